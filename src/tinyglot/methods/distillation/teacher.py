"""Finds the teacher that the options name."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.checkpoints import load_checkpoint
from tinyglot.errors import MissingInputError
from tinyglot.methods.contract import Context
from tinyglot.methods.distillation.config import DistillationConfig
from tinyglot.surgery import copy_model
from tinyglot.training.distillation import check_same_vocabulary

_ORIGINAL = ("original", "step:0")


def load_teacher(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: DistillationConfig,
    context: Context,
) -> PreTrainedModel:
    """Load the teacher, and make sure that its token ids are the student's.

    Args:
        model: The student; without a recipe it is the original model, too.
        tokenizer: Its tokenizer.
        config: Names the teacher.
        context: Says where it is, if a recipe's runner has found it.

    Returns:
        A model of its own.

    Raises:
        MissingInputError: If the options name a step, and no recipe is run.
        ModelNotFoundError: If there is no such checkpoint.
        UnsafeCheckpointError: If its weights are only pickled.
        UnsupportedArchitectureError: If its family is not supported.
        CheckpointTensorsError: If tensors are missing, extra or of another shape.
        VocabularyMismatchError: If a token id is another piece for the teacher.
    """
    if context.teacher is None and config.teacher in _ORIGINAL:
        own = copy_model(model)
        own.eval()
        return own
    if context.teacher is None and config.teacher.startswith("step:"):
        raise MissingInputError(
            "Could not find the teacher: it is named by a step, and no recipe is run.",
            got=f"teacher: {config.teacher}",
            expected="a checkpoint, or a recipe with that step",
            fix="give Context(teacher=DIRECTORY)",
        )
    found = load_checkpoint(context.teacher or config.teacher, revision=config.teacher_revision)
    check_same_vocabulary(tokenizer, found.tokenizer)
    return found.model
