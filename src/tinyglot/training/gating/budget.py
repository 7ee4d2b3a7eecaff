"""How many heads and neurons of a model stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.errors import NoEffectError, StructureRangeError
from tinyglot.training.gating.options import Kind

NAMES: dict[Kind, tuple[str, str]] = {
    "heads": ("head", "num_heads"),
    "neurons": ("neuron", "ffn_size"),
}


class Amounts(Protocol):
    """What options say about how much stays."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is removed."""

    @property
    def pruning_ratio(self) -> float | None:
        """Share of the units that go, where no number is given."""

    @property
    def is_uniform(self) -> bool:
        """Whether each layer keeps the same number."""

    def num_kept_by_layer(self, kind: Kind) -> int | None:
        """Give the number that was asked for; ``None`` where the ratio decides."""


@dataclass(frozen=True)
class Budget:
    """Units of one kind that a model has, and how many of them stay.

    Attributes:
        counts: Units of each layer.
        num_kept: Units that stay in the whole model.
    """

    counts: tuple[int, ...]
    num_kept: int

    @property
    def num_units(self) -> int:
        """Units of the whole model."""
        return sum(self.counts)

    @property
    def removed_share(self) -> float:
        """Share of the units that go."""
        return 1 - self.num_kept / self.num_units


def unit_counts(model: PreTrainedModel) -> dict[Kind, tuple[int, ...]]:
    """Count a model's heads and neurons.

    Args:
        model: A model of a supported family.

    Returns:
        By kind, the units of each layer.
    """
    encoder = view(model)
    return {"heads": encoder.num_heads, "neurons": encoder.ffn_sizes}


def unit_budgets(counts: Mapping[Kind, Sequence[int]], options: Amounts) -> dict[Kind, Budget]:
    """Say how many units of each kind stay.

    Args:
        counts: By kind, the units of each layer.
        options: What goes, and how much of it.

    Returns:
        By kind that loses units.

    Raises:
        StructureRangeError: If more would stay than there are, or nothing in a layer.
        NoEffectError: If all units of a kind would stay.
    """
    return {kind: _budget(kind, tuple(counts[kind]), options) for kind in options.kinds}


def _budget(kind: Kind, counts: tuple[int, ...], options: Amounts) -> Budget:
    asked = options.num_kept_by_layer(kind)
    ratio = 1 - (options.pruning_ratio or 0.0)
    if asked is None and not options.is_uniform:
        return _checked(kind, Budget(counts, round(ratio * sum(counts))), options)
    by_layer = round(ratio * sum(counts) / len(counts)) if asked is None else asked
    return _checked(kind, Budget(counts, by_layer * len(counts)), options)


def _checked(kind: Kind, budget: Budget, options: Amounts) -> Budget:
    unit, option = NAMES[kind]
    most = min(budget.counts) if options.is_uniform else budget.num_units // len(budget.counts)
    if not len(budget.counts) <= budget.num_kept <= most * len(budget.counts):
        raise StructureRangeError(
            f"Could not prune {kind}: the layers cannot keep so many.",
            got=f"{option} {options.num_kept_by_layer(kind)}, pruning_ratio "
            f"{options.pruning_ratio}: {budget.num_kept / len(budget.counts):g} a layer",
            expected=f"1 to {most - 1} {kind} a layer",
            fix=f"give a {option} in that range, or a pruning_ratio that leaves a {unit} in each "
            "layer",
        )
    if budget.num_kept == budget.num_units:
        raise NoEffectError(
            f"Could not prune {kind}: all of them would stay.",
            got=f"{option} {options.num_kept_by_layer(kind)}, pruning_ratio "
            f"{options.pruning_ratio}: {budget.num_kept} of {budget.num_units}",
            expected=f"fewer than {budget.num_units} {kind} to stay",
            fix=f"give a smaller {option} or a higher pruning_ratio",
        )
    return budget
