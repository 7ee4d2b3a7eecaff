"""What training with gates would be; changes nothing."""

from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.training.gating.budget import unit_budgets, unit_counts
from tinyglot.training.gating.options import GatingOptions, Kind
from tinyglot.training.gating.schedule import (
    GatingSchedule,
    check_shared_steps,
    make_gating_schedule,
)
from tinyglot.training.task_options import TaskTrainingOptions
from tinyglot.training.task_plan import TaskTrainingPlan, plan_task_training
from tinyglot.training.trunk import Trunk


class GatedTrainingPlan(TaskTrainingPlan):
    """What would be trained on what, and how many heads and neurons stay.

    Attributes:
        schedule: In which steps gates are learnt.
        num_units: By kind, heads or neurons of each layer before.
        num_kept: By kind that loses units, how many stay in the whole model.
        is_stock: Whether the result is an ordinary checkpoint, and no slim one.
    """

    schedule: GatingSchedule
    num_units: dict[Kind, tuple[int, ...]]
    num_kept: dict[Kind, int]
    is_stock: bool

    def gating_summary(self) -> list[str]:
        """Say what is removed, and when.

        Returns:
            Lines without markup.
        """
        num_layers = len(self.num_units["heads"])
        steps = self.schedule
        return [
            *(
                f"keep {kept:,} of {sum(self.num_units[kind]):,} {kind}, "
                f"{kept / num_layers:g} a layer" + self._shape()
                for kind, kept in self.num_kept.items()
            ),
            f"gates learnt from step {steps.start_step:,} to {steps.end_step:,}, then the rest of "
            "the training with what stays",
            "an ordinary checkpoint" if self.is_stock else _SLIM,
        ]

    def _shape(self) -> str:
        options: Any = self.config
        return "" if options.is_uniform else " on average"


_SLIM = (
    "a slim checkpoint: no ordinary configuration of this family has such layers; neurons alone "
    "with shape: uniform are ordinary"
)


def plan_gated_training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: Any,  # noqa: ANN401  (both kinds of options in one)
    seed: int,
    trunk: Trunk | None,
) -> dict[str, Any]:
    """Read the data, and count what training on it and removing units would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        options: Resolved options of the training and of the gates.
        seed: Of the choice of training sentences, where not all are taken.
        trunk: Steps that are shared with other trainings, if any.

    Returns:
        The fields of a ``GatedTrainingPlan``.

    Raises:
        StructureRangeError: If more units would stay than there are, or none in a layer.
        NoEffectError: If all units of a kind would stay.
        PruningScheduleError: If the training is too short, or gates would begin in shared steps.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    gating: GatingOptions = options
    training_options: TaskTrainingOptions = options
    counts = unit_counts(model)
    num_kept = {kind: each.num_kept for kind, each in unit_budgets(counts, gating).items()}
    training = plan_task_training(model, tokenizer, training_options, seed)
    schedule = make_gating_schedule(gating, training["num_steps"], training_options.stop_step)
    check_shared_steps(schedule, trunk)
    return {
        **training,
        "schedule": schedule,
        "num_units": counts,
        "num_kept": num_kept,
        "is_stock": _is_stock(model, gating, num_kept),
    }


def _is_stock(model: PreTrainedModel, options: GatingOptions, num_kept: dict[Kind, int]) -> bool:
    """Tell whether all layers will be alike and their heads fill the hidden size."""
    encoder = view(model)
    heads, ffn = encoder.num_heads, encoder.ffn_sizes
    fills = set(heads) == {encoder.hidden_size // encoder.head_dim} and "heads" not in num_kept
    return fills and (options.is_uniform if "neurons" in num_kept else len(set(ffn)) == 1)
