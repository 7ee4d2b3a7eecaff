"""Training with gates, and taking out what they decide against."""

from dataclasses import asdict
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.training.gating.callback import GatingCallback
from tinyglot.training.gating.plan import GatedTrainingPlan
from tinyglot.training.gating.schedule import check_shared_steps
from tinyglot.training.task_training import Setup, read_planned_corpus, train_on_task


def train_with_gates(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: GatedTrainingPlan,
    setup: Setup,
    callback: GatingCallback,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Train a copy of the model with the task's head, and take out heads and neurons.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Its tokenizer.
        plan: What to train on what, and how much stays.
        setup: Seed, device and directory.
        callback: What learns.

    Returns:
        The smaller model, and what was done as JSON values.

    Raises:
        PlanOutdatedError: If the training data are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        PruningScheduleError: If gates would begin in steps that other trainings share.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
    """
    check_shared_steps(plan.schedule, setup.trunk)
    corpus = read_planned_corpus(model, tokenizer, plan, setup.seed)
    result = train_on_task(model, tokenizer, plan, corpus, setup, [callback])
    return callback.cut(result.model), asdict(result.record) | callback.facts()
