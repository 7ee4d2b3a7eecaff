"""Trains the head, the encoder and its gates, and takes out what they decide against."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context
from tinyglot.methods.movement_pruning.callback import MovementPruningCallback
from tinyglot.methods.movement_pruning.plan import MovementPruningPlan
from tinyglot.training import train_with_gates


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: MovementPruningPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model with the task's head, and remove heads and neurons.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to train on what, and how much stays.
        context: Gives seed and device; in its directory, resume points are kept and
            ``facts.json`` says what was done.

    Returns:
        The trained model with exactly as many heads and neurons as planned, and the tokenizer.

    Raises:
        PlanOutdatedError: If the model or the training data are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        PruningScheduleError: If gates would begin in steps that other trainings share.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        ShardedParametersError: If the weights are spread over processes.
        ParityError: If the new model would load as another model.

    Randomness:
        Seeded from ``context.seed``: the new head, dropout, the order of the batches, and the noise
        of the gates, which has generators of its own.
    """
    callback = MovementPruningCallback(**plan.config.gating().model_dump())
    return train_with_gates(model, tokenizer, plan, context, callback), tokenizer
