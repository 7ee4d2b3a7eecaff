"""What training with gates would be; changes nothing."""

from collections.abc import Mapping
from typing import Any, Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures.stock import Shape, nearest_stock_shape
from tinyglot.surgery import count_parameters
from tinyglot.training.corpus import Inputs, head_class, resolve_options, task_of
from tinyglot.training.gating.budget import Budget, unit_budgets, unit_counts
from tinyglot.training.gating.options import GatingOptions, Kind
from tinyglot.training.gating.schedule import (
    GatingSchedule,
    check_shared_steps,
    make_gating_schedule,
)
from tinyglot.training.head import with_head
from tinyglot.training.task_options import TaskTrainingOptions
from tinyglot.training.task_plan import TaskTrainingPlan, plan_task_training
from tinyglot.training.trunk import Trunk


class GatingInputs(Inputs, Protocol):
    """What holds for a step of a recipe, such as the ``Context`` of a method."""

    @property
    def seed(self) -> int:
        """Seed of every generator of the step."""

    @property
    def trunk(self) -> Trunk | None:
        """First training steps that this run shares with others, if any."""


class GatedTrainingPlan(TaskTrainingPlan):
    """What would be trained on what, and how many heads and neurons stay.

    Attributes:
        schedule: In which steps gates are learnt.
        num_units: By kind, heads or neurons of each layer before.
        num_kept: By kind that loses units, how many stay in the whole model.
        num_parameters: Before, with the head that is trained.
        num_parameters_after: Of the result.
        shape: What an ordinary checkpoint can hold of the result, in words.
    """

    schedule: GatingSchedule
    num_units: dict[Kind, tuple[int, ...]]
    num_kept: dict[Kind, int]
    num_parameters: int
    num_parameters_after: int
    shape: tuple[str, ...]

    def summary(self) -> list[str]:
        """Say what is trained, and what is removed when.

        Returns:
            Lines without markup.
        """
        return [*self.training_summary(), *self._removals()]

    def _removals(self) -> list[str]:
        options: Any = self.config
        steps, share = self.schedule, 1 - self.num_parameters_after / self.num_parameters
        per_layer = "in each layer" if options.is_uniform else "a layer on average"
        return [
            *(
                f"keep {kept:,} of {sum(self.num_units[kind]):,} {kind}, "
                f"{kept / len(self.num_units[kind]):g} {per_layer}"
                for kind, kept in self.num_kept.items()
            ),
            f"{self.num_parameters_after:,} of {self.num_parameters:,} parameters stay "
            f"({share:.1%} fewer)",
            f"gates learnt from step {steps.start_step:,} to {steps.end_step:,}, then the rest of "
            "the training with what stays",
            *self.shape,
        ]


_FREE = (
    "slim, unless all layers come out alike: how many stay in each is learnt; shape: uniform makes "
    "neurons stock",
)


def plan_gated_training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: Any,  # noqa: ANN401  (both kinds of options in one)
    inputs: GatingInputs,
) -> dict[str, Any]:
    """Read the data, and count what training on it and removing units would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        options: Of the training and of the gates.
        inputs: Gives seed and shared steps; task, data and languages where the options do not.

    Returns:
        The fields of a ``GatedTrainingPlan``.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        StructureRangeError: If more units would stay than there are, or none in a layer.
        NoEffectError: If all units of a kind would stay and may not.
        PruningScheduleError: If the training is too short, or gates would begin in shared steps.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    options = resolve_options(options, inputs)
    gating: GatingOptions = options
    training_options: TaskTrainingOptions = options
    counts = unit_counts(model)
    budgets = unit_budgets(counts, gating, allow_no_effect=gating.allow_no_effect)
    training = plan_task_training(model, tokenizer, training_options, inputs.seed)
    schedule = make_gating_schedule(gating, training["num_steps"], training_options.stop_step)
    check_shared_steps(schedule, inputs.trunk)
    headed = _headed(model, training, inputs.seed)
    projection = nearest_stock_shape(headed, _shape_after(headed, budgets))
    return {
        **training,
        "schedule": schedule,
        "num_units": counts,
        "num_kept": {kind: each.num_kept for kind, each in budgets.items()},
        "num_parameters": count_parameters(headed).num_parameters,
        "num_parameters_after": projection.num_parameters_requested,
        "shape": tuple(projection.lines()) if gating.is_uniform else _FREE,
    }


def _headed(model: PreTrainedModel, training: dict[str, Any], seed: int) -> PreTrainedModel:
    if training["head"] == "continued":
        return model
    classes = head_class(model, task_of(training["config"]).head)
    return with_head(model, classes, training["labels"], seed)


def _shape_after(headed: PreTrainedModel, budgets: Mapping[Kind, Budget]) -> Shape:
    fields = {"heads": "heads", "neurons": "ffn"}
    return Shape.of(headed).change(
        **{fields[kind]: budget.spread() for kind, budget in budgets.items()}
    )
