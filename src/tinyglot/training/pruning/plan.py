"""Decides which heads or neurons go; changes nothing."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures.stock import Shape, nearest_stock_shape
from tinyglot.errors import MissingInputError, UnknownLabelError
from tinyglot.importance import Kept, Loss, layers_digest, select_units
from tinyglot.surgery import count_parameters
from tinyglot.training.corpus import has_head, own_labels, resolve_options, task_of
from tinyglot.training.gating.budget import Budget, unit_budgets, unit_counts
from tinyglot.training.gating.options import Kind
from tinyglot.training.pruning.calibration import StepInputs, read_calibration
from tinyglot.training.pruning.options import UnitPruningOptions
from tinyglot.training.pruning.scores import as_tensors, unit_scores
from tinyglot.training.ramp import sparsity_at
from tinyglot.training.task_plan import TaskTrainingPlan, plan_task_training


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class UnitPruningPlan(_Frozen):
    """Which units go; part of the plans of ``head_pruning`` and ``ffn_pruning``.

    Attributes:
        config: The options.
        kind: Heads or neurons.
        num_units: Units of each layer before.
        schedule: Units that stay in the whole model after each removal.
        kept: Units of each layer that stay after the first removal, which is the only one unless
            there are several iterations.
        importance: Of each unit of every layer, that the first removal goes by.
        loss: What ``taylor`` takes the gradient of; null for other scorers and for files.
        num_sentences: Sentences by language on which importance is measured.
        calibration_digest: Differs if these sentences do; empty where none are looked at.
        num_parameters: Before, the head that the model has included.
        num_parameters_after: After all removals, with that head.
        num_kept: Units of each layer in the end; none where they are not decided yet.
        shape: What an ordinary checkpoint can hold of the result, in words.
        layers_digest: Differs if the model's layers do.
        training: What is trained after the last removal, if anything.
        num_steps_between: Optimizer steps after each removal before that.
    """

    config: UnitPruningOptions
    kind: Kind
    num_units: tuple[int, ...]
    schedule: tuple[int, ...]
    kept: Kept
    importance: tuple[tuple[float, ...], ...]
    loss: Loss | None
    num_sentences: dict[str, int]
    calibration_digest: str = ""
    num_parameters: int
    num_parameters_after: int
    num_kept: tuple[int, ...]
    shape: tuple[str, ...]
    layers_digest: str
    training: TaskTrainingPlan | None = None
    num_steps_between: int = 0

    @property
    def trains(self) -> bool:
        """Whether anything is trained."""
        return self.training is not None

    def summary(self) -> list[str]:
        """Say what would be removed, by what, and what becomes of the checkpoint.

        Returns:
            Lines without markup.
        """
        total, kept = sum(self.num_units), self.schedule[-1]
        share = 1 - self.num_parameters_after / self.num_parameters
        lines = [
            f"keep {kept:,} of {total:,} {self.kind}, {_by_layer(self.num_kept) or self._mean()}",
            f"{self.num_parameters_after:,} of {self.num_parameters:,} parameters stay "
            f"({share:.1%} fewer)",
            f"importance: {self._importance()}",
            *self._warnings(),
            *self.shape,
        ]
        if len(self.schedule) > 1:
            lines.append(f"removals leave {', '.join(f'{n:,}' for n in self.schedule)} {self.kind}")
        return [*lines, *self._training()]

    def _mean(self) -> str:
        return f"{self.schedule[-1] / len(self.num_units):g} a layer on average"

    def _warnings(self) -> list[str]:
        idle, split = self.config.idle(), self.config.calibration_split
        is_held_out = split != self.config.train_split and self.config.needs_data
        held_out = f"the split {split} decides what stays: scores on it are not of unseen sentences"
        return [
            *[held_out] * is_held_out,
            *[f"without effect here: {', '.join(idle)}"] * bool(idle),
        ]

    def _importance(self) -> str:
        if self.config.importance_file is not None:
            return f"from {self.config.importance_file}"
        by_loss = f" by {self.loss}" if self.loss else ""
        sentences = ", ".join(f"{n:,} {tag}" for tag, n in self.num_sentences.items())
        on = f", {self.config.aggregate} over sentences: {sentences}" if sentences else ""
        return f"{self.config.scorer}{by_loss}{on}"

    def _training(self) -> list[str]:
        if self.training is None:
            return []
        between = len(self.schedule) - 1
        before = [f"{self.num_steps_between:,} steps after each of {between} removals before"]
        teacher = ["learn from the logits of the model before, too"]
        return [
            *self.training.training_summary(),
            *before * bool(between),
            *teacher * (self.config.distillation is not None),
        ]


def _by_layer(counts: tuple[int, ...]) -> str:
    if len(set(counts)) > 1:
        return "by layer " + " ".join(map(str, counts))
    return f"{counts[0]:,} in each layer" if counts else ""


def plan_unit_pruning(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> dict[str, Any]:
    """Measure importance, and choose the heads or neurons that stay.

    Args:
        model: A model of a supported family. It is not changed.
        tokenizer: Its tokenizer.
        options: The options.
        inputs: Gives task, data, text, languages, seed and device.

    Returns:
        The fields of a ``UnitPruningPlan``.

    Raises:
        StructureRangeError: If more units would stay than there are, or none in a layer.
        NoEffectError: If all units would stay and may not.
        NonFiniteScoreError: If an importance is infinite or no number.
        ImportanceFileError: If the file of importance is damaged, or of another model.
        MissingInputError: If there is nothing to measure or to train on, or the model has no head
            that the loss or the distillation needs.
        UncoveredTextError: If too much of a language's sentences is unknown to the tokenizer.
        DataNotFoundError: If a language has no such split, or the data is not there.
        DataFormatError: If a file has broken lines.
        EmptyTextError: If a language's text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        UnknownLabelError: If the data have labels that the model's head does not, and the loss or
            the distillation needs it.
        UnknownMethodError: If there is no such task, or recovery wants one that trains nothing.
        TaskOptionError: If an option of the task is unknown or out of range.
        TokenIdRangeError: If the tokenizer is another model's.

    Randomness:
        Sentences, and what scorer and loss draw, are seeded with ``inputs.seed``.
    """
    budget = _budget(model, options)
    training = _training(model, tokenizer, options, inputs)
    calibration = read_calibration(model, tokenizer, options, inputs)
    scores = unit_scores(model, calibration, options, inputs)
    schedule = removals(budget, options.iterations, uniform=options.is_uniform)
    kept = select_units(as_tensors(scores), schedule[0], uniform=options.is_uniform)
    is_decided = len(schedule) == 1 or options.is_uniform
    counts = budget.spread()
    if len(schedule) == 1:
        counts = tuple(map(len, kept))
    return {
        "config": options,
        "kind": options.kind,
        "num_units": budget.counts,
        "schedule": schedule,
        "kept": kept,
        "importance": scores,
        "loss": calibration.loss if options.scorer == "taylor" and options.needs_data else None,
        "num_sentences": dict(calibration.num_sentences),
        "calibration_digest": calibration.digest,
        "num_parameters": count_parameters(model).num_parameters,
        "num_kept": counts if is_decided else (),
        "layers_digest": layers_digest(model),
        **_shape(model, options.kind, counts, is_decided=is_decided),
        **training,
    }


def _budget(model: PreTrainedModel, options: UnitPruningOptions) -> Budget:
    allowed = options.allow_no_effect
    return unit_budgets(unit_counts(model), options, allow_no_effect=allowed)[options.kind]


def removals(budget: Budget, iterations: int, *, uniform: bool) -> tuple[int, ...]:
    """Say how many units stay after each removal, most going in the first ones.

    Args:
        budget: What there is, and what stays in the end.
        iterations: Removals, at most: one that would take nothing is left out.
        uniform: Whether every layer keeps the same number.

    Returns:
        Decreasing numbers; the last is the budget's, and the only one if all units stay.

    References:
        Zhu and Gupta (2017), arXiv 1710.01878, section 3: the cubic schedule.

    Example:
        >>> removals(Budget((12,) * 12, 72), 4, uniform=False)
        (102, 81, 73, 72)
        >>> removals(Budget((12,) * 12, 72), 4, uniform=True)
        (108, 84, 72)
    """
    num_layers = len(budget.counts)
    found: list[int] = []
    for number in range(1, iterations + 1):
        share = sparsity_at("cubic", 1.0, number / iterations)
        kept = budget.num_units - round(share * (budget.num_units - budget.num_kept))
        if uniform:
            kept = min(math.ceil(kept / num_layers), min(budget.counts)) * num_layers
        if kept < (found[-1] if found else budget.num_units):
            found.append(kept)
    return tuple(found) or (budget.num_kept,)


def _shape(
    model: PreTrainedModel, kind: Kind, counts: tuple[int, ...], *, is_decided: bool
) -> dict[str, Any]:
    field: Literal["heads", "ffn"] = "heads" if kind == "heads" else "ffn"
    projection = nearest_stock_shape(model, Shape.of(model).change(**{field: counts}))
    lines = projection.lines() if is_decided else ["slim, unless all layers keep as many"]
    if kind == "heads" and not projection.is_stock:
        lines.append(
            "fewer heads in an ordinary checkpoint take hidden channels with them: "
            "dynamic_sparsification trains that"
        )
    return {"num_parameters_after": projection.num_parameters_requested, "shape": tuple(lines)}


# --- training -----------------------------------------------------------------------------------


def _training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> dict[str, Any]:
    if options.recovery == "none":
        return {}
    wanted = resolve_options(options.training(), inputs)
    if options.distillation is not None:
        task = task_of(wanted)
        if task.objective == "masked_lm" or not has_head(model, task):
            raise MissingInputError(
                "Could not distil: the model before the cut has no logits to learn from.",
                got=f"{type(model).__name__} for the task {task.id}",
                expected="a model that was trained for a task with labels",
                fix="put the step fine_tuning before this one, or leave distillation out",
            )
    last = TaskTrainingPlan(**plan_task_training(model, tokenizer, wanted, inputs.seed))
    if options.distillation is not None and last.head == "new":
        raise _other_labels(own_labels(model, task_of(wanted)), last.labels)
    done = min(last.num_steps, wanted.stop_step or last.num_steps)
    return {"training": last, "num_steps_between": options.steps_between or done}


def _other_labels(own: Sequence[str], needed: Sequence[str]) -> UnknownLabelError:
    return UnknownLabelError(
        "Could not distil: the model before the cut tells other labels apart than the data.",
        got=f"a head for {' '.join(own)}",
        expected=f"a head for {' '.join(needed)}",
        fix="take the data that the model was trained on, train it on these by a step fine_tuning "
        "before this one, or leave distillation out",
    )
