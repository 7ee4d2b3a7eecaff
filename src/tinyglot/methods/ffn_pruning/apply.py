"""Takes neurons out."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.files import write_json
from tinyglot.methods.contract import Context
from tinyglot.methods.ffn_pruning.plan import FfnPruningPlan
from tinyglot.training import is_main_process
from tinyglot.training.pruning import prune_units


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: FfnPruningPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Make a model without the neurons that matter least; train it again if the plan says so.

    Args:
        model: The model the plan was made for. It is not modified.
        tokenizer: Given back as it is.
        plan: What stays.
        context: Gives data, seed and device; in its directory, resume points are kept and
            ``facts.json`` says what was done.

    Returns:
        The new model, and the tokenizer.

    Raises:
        PlanOutdatedError: If the plan was made for another model or other training data.
        ParityError: If the new model would load as another model.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.

    Randomness:
        Seeded from ``context.seed``: sentences and draws of later removals, and the training.
    """
    smaller, facts = prune_units(model, tokenizer, plan, context)
    if context.directory is not None and is_main_process():
        write_json(context.directory / "facts.json", facts)
    return smaller, tokenizer
