"""Takes neurons out."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context
from tinyglot.methods.ffn_pruning.plan import FfnPruningPlan
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
        PlanOutdatedError: If the plan was made for another model or other data.
        ParityError: If the new model would load as another model.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        PruningMaskError: If processes that train together would remove different units.
        NonFiniteScoreError: If an importance that is measured again is infinite or no number.

    Randomness:
        Seeded from ``context.seed``: sentences and draws of later removals, and the training.
    """
    return prune_units(model, tokenizer, plan, context), tokenizer
