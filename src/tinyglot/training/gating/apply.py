"""Training with gates, and taking out what they decide against."""

from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import PlanOutdatedError
from tinyglot.files import write_json
from tinyglot.surgery import verify_reload
from tinyglot.training.gating.budget import unit_counts
from tinyglot.training.gating.callback import GatingCallback
from tinyglot.training.gating.plan import GatedTrainingPlan, GatingInputs
from tinyglot.training.gating.schedule import check_shared_steps
from tinyglot.training.processes import is_main_process
from tinyglot.training.task_training import Setup, read_planned_corpus, train_on_task


class GatedTrainingInputs(GatingInputs, Protocol):
    """What holds for a step of a recipe that is carried out."""

    @property
    def device(self) -> str:
        """Torch device name."""

    @property
    def directory(self) -> Path | None:
        """The step's own working directory, if any."""


def train_with_gates(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: GatedTrainingPlan,
    inputs: GatedTrainingInputs,
    callback: GatingCallback,
) -> PreTrainedModel:
    """Train a copy of the model with the task's head, and take out heads and neurons.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Its tokenizer.
        plan: What to train on what, and how much stays.
        inputs: Gives seed and device; in its directory, resume points are kept and ``facts.json``
            says what was done.
        callback: What learns.

    Returns:
        The smaller model.

    Raises:
        PlanOutdatedError: If the model or the training data are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        PruningScheduleError: If gates would begin in steps that other trainings share.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        ShardedParametersError: If the weights are spread over processes.
        ParityError: If the new model would load as another model.
    """
    _check_model(model, plan)
    check_shared_steps(plan.schedule, inputs.trunk)
    corpus = read_planned_corpus(model, tokenizer, plan, inputs.seed)
    directory = inputs.directory / "training" if inputs.directory else None
    setup = Setup(inputs.seed, inputs.device, directory, inputs.trunk)
    result = train_on_task(model, tokenizer, plan, corpus, setup, [callback])
    small = callback.cut(result.model)
    verify_reload(small)
    if inputs.directory is not None and is_main_process():
        write_json(inputs.directory / "facts.json", asdict(result.record) | callback.facts())
    return small


def _check_model(model: PreTrainedModel, plan: GatedTrainingPlan) -> None:
    found = unit_counts(model)
    for kind, planned in plan.num_units.items():
        if found[kind] != planned:
            raise PlanOutdatedError(
                f"Could not prune {kind}: the plan was made for another model.",
                got=f"{kind} by layer: {' '.join(map(str, found[kind]))}",
                expected=f"{kind} by layer: {' '.join(map(str, planned))}",
                fix="plan again with this model",
            )
