"""Trains the masked LM."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.files import write_json
from tinyglot.methods.adaptation.plan import AdaptationPlan
from tinyglot.methods.contract import Context
from tinyglot.training import is_main_process
from tinyglot.training.text import TextSetup, train_on_text


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: AdaptationPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model on the text; go on from the newest resume point.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to train on what.
        context: Gives text, seed and device; in its directory, encoded text and resume points are
            kept and ``facts.json`` says what was done, with the losses before and after.

    Returns:
        The trained model with its LM head, and the tokenizer.

    Raises:
        PlanOutdatedError: If the text or the model are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for the encoded text or a resume point.

    Randomness:
        Seeded from ``context.seed``: a new head, dropout, the order of the batches, what is hidden.
    """
    setup = TextSetup(context.seed, context.device, context.directory, context.text)
    result = train_on_text(model, tokenizer, plan, setup)
    if context.directory is not None and is_main_process():
        write_json(context.directory / "facts.json", result.facts)
    return result.model, tokenizer
