"""Trains towards the teacher."""

from functools import partial

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import PlanOutdatedError
from tinyglot.files import write_json
from tinyglot.methods.contract import Context
from tinyglot.methods.distillation.plan import DistillationPlan
from tinyglot.methods.distillation.teacher import load_teacher
from tinyglot.training import is_main_process
from tinyglot.training.distillation import Batches, StepMeans, TextDistillation
from tinyglot.training.text import HeldOutText, TextSetup, headed_model, train_on_text


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: DistillationPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model towards the teacher; go on from the newest resume point.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to learn from whom, on what text.
        context: Gives text, teacher, seed and device; in its directory, encoded text and resume
            points are kept and ``facts.json`` says what was done, with each part's losses.

    Returns:
        The trained model, with an LM head where it had one or a part needs it, and the tokenizer.

    Raises:
        PlanOutdatedError: If teacher, text or model are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for the encoded text or a resume point.

    Randomness:
        Seeded from ``context.seed``: a new head, linear maps, dropout, the order of the batches,
        what is hidden.
    """
    config = plan.config
    teacher = load_teacher(model, tokenizer, config, context)
    student = model if plan.head == "none" else headed_model(model, context.seed)
    aim = TextDistillation(student, teacher, config.objectives, config.positions, seed=context.seed)
    _check_teacher(plan, aim.teacher_digest)
    means = StepMeans(aim, _held_out(tokenizer, plan, context, model.config.pad_token_id or 0))
    setup = TextSetup(context.seed, context.device, context.directory, context.text)
    result = train_on_text(model, tokenizer, plan, setup, aim, [means])
    if context.directory is not None and is_main_process():
        write_json(context.directory / "facts.json", result.facts | means.facts())
    return result.model, tokenizer


def _held_out(
    tokenizer: PreTrainedTokenizerFast, plan: DistillationPlan, context: Context, pad_token_id: int
) -> Batches:
    text = HeldOutText.read(tokenizer, plan.config, context.text, pad_token_id)
    return {tag: partial(text.batches, tag) for tag in text.sequences}


def _check_teacher(plan: DistillationPlan, digest: str) -> None:
    if digest != plan.teacher.weights_digest:
        raise PlanOutdatedError(
            "Could not distil: the teacher is not that of the plan.",
            got=f"a teacher of weights {digest}",
            expected=f"weights {plan.teacher.weights_digest} of {plan.teacher.named}",
            fix="plan again, or start a new run in another directory",
        )
