"""Takes heads or neurons out, once or several times, with training after each."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import PlanOutdatedError
from tinyglot.files import write_json
from tinyglot.importance import Kept, layers_digest, select_units
from tinyglot.surgery import count_parameters, verify_reload
from tinyglot.training.callback_checks import check_same_everywhere
from tinyglot.training.corpus import Corpus
from tinyglot.training.gating.cut import keep_units
from tinyglot.training.processes import is_main_process
from tinyglot.training.pruning.calibration import Calibration, StepInputs, read_calibration
from tinyglot.training.pruning.plan import UnitPruningPlan
from tinyglot.training.pruning.scores import as_tensors, unit_scores
from tinyglot.training.task_plan import TaskTrainingPlan
from tinyglot.training.task_training import Setup, read_planned_corpus, train_on_task
from tinyglot.training.train import Teacher, TrainingRecord


class ApplyInputs(StepInputs, Protocol):
    """What holds for a step of a recipe that is carried out."""

    @property
    def directory(self) -> Path | None:
        """The step's own working directory, if any."""


class _Step(NamedTuple):
    """What stays the same over all removals."""

    dense: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    plan: UnitPruningPlan
    inputs: ApplyInputs
    calibration: Calibration | None
    corpus: Corpus | None


def prune_units(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: UnitPruningPlan,
    inputs: ApplyInputs,
) -> PreTrainedModel:
    """Take out what the plan says; train and measure again as often as it says.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Its tokenizer.
        plan: What goes, and what is trained meanwhile.
        inputs: Gives data, seed and device; in its directory, resume points are kept and
            ``facts.json`` says which units stayed, by their numbers in the model before, and has
            the record of every training.

    Returns:
        The smaller model.

    Raises:
        PlanOutdatedError: If the model, the training data or, where importance is measured again,
            the calibration data are not those of the plan.
        PruningMaskError: If processes that train together would remove different units.
        NonFiniteScoreError: If an importance that is measured again is infinite or no number.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        ParityError: If the new model would load as another model.
    """
    _check_model(model, plan)
    step = _Step(
        dense=model,
        tokenizer=tokenizer,
        plan=plan,
        inputs=inputs,
        calibration=_calibration(model, tokenizer, plan, inputs),
        corpus=read_planned_corpus(model, tokenizer, plan.training, inputs.seed)
        if plan.training
        else None,
    )
    smaller, units = model, tuple(tuple(range(count)) for count in plan.num_units)
    records: list[TrainingRecord] = []
    for number in range(len(plan.schedule)):
        kept = _chosen(step, smaller, number)
        smaller = keep_units(smaller, {plan.kind: kept})
        units = _composed(units, kept)
        if plan.training is not None and step.corpus is not None:
            smaller, record = _train(step, smaller, plan.training, step.corpus, number)
            records.append(record)
    verify_reload(smaller)
    if inputs.directory is not None and is_main_process():
        write_json(inputs.directory / "facts.json", _facts(smaller, units, records))
    return smaller


def _calibration(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: UnitPruningPlan,
    inputs: ApplyInputs,
) -> Calibration | None:
    """Read the data again if importance is measured again."""
    if len(plan.schedule) == 1:
        return None
    options = plan.config.model_copy(update={"loss": plan.loss})
    found = read_calibration(model, tokenizer, options, inputs)
    if found.digest != plan.calibration_digest:
        raise PlanOutdatedError(
            f"Could not prune {plan.kind}: importance would be measured on other data than those "
            "of the plan.",
            got=f"calibration data {found.digest}",
            expected=f"calibration data {plan.calibration_digest}",
            fix="plan again, or start a new run in another directory",
        )
    return found


def _check_model(model: PreTrainedModel, plan: UnitPruningPlan) -> None:
    digest = layers_digest(model)
    if digest != plan.layers_digest:
        raise PlanOutdatedError(
            f"Could not prune {plan.kind}: the plan was made for another model.",
            got=f"layers {digest}",
            expected=f"layers {plan.layers_digest}, {sum(plan.num_units)} {plan.kind}",
            fix="plan again with this model",
        )


def _chosen(step: _Step, model: PreTrainedModel, number: int) -> Kept:
    plan = step.plan
    if number == 0 or step.calibration is None:
        return plan.kept
    scores = unit_scores(model, step.calibration, plan.config, step.inputs)
    uniform = plan.config.is_uniform
    kept = select_units(as_tensors(scores), plan.schedule[number], uniform=uniform)
    if plan.trains:  # all processes are here, and have been in a training together
        check_same_everywhere(hashlib.sha256(str(kept).encode()).hexdigest()[:16])
    return kept


def _composed(units: Kept, kept: Kept) -> Kept:
    """Name the units that stay by their numbers in the model before all removals."""
    pairs = zip(units, kept, strict=True)
    return tuple(tuple(before[unit] for unit in now) for before, now in pairs)


def _train(
    step: _Step, model: PreTrainedModel, training: TaskTrainingPlan, corpus: Corpus, number: int
) -> tuple[PreTrainedModel, TrainingRecord]:
    plan, inputs = step.plan, step.inputs
    if number + 1 < len(plan.schedule):
        shorter = {"max_steps": plan.num_steps_between, "stop_step": None}
        training = training.model_copy(
            update={"config": training.config.model_copy(update=shorter)}
        )
    distillation = plan.config.distillation
    teacher = Teacher(step.dense, distillation) if distillation else None
    directory = inputs.directory / f"training-{number + 1}" if inputs.directory else None
    setup = Setup(inputs.seed, inputs.device, directory, teacher=teacher)
    result = train_on_task(model, step.tokenizer, training, corpus, setup)
    return result.model, result.record


def _facts(model: PreTrainedModel, units: Kept, records: list[TrainingRecord]) -> dict[str, Any]:
    last = asdict(records[-1]) if records else {}
    trainings = {"trainings": [asdict(record) for record in records]} if records else {}
    return {
        **last,
        **trainings,
        "kept": [list(layer) for layer in units],
        "num_kept": [len(layer) for layer in units],
        "num_parameters": count_parameters(model).num_parameters,
    }
