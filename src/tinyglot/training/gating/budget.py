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

    def groups(self, *, uniform: bool) -> tuple["Budget", ...]:
        """Split it into parts that each keep a number of their own.

        Args:
            uniform: Whether each layer keeps the same number.

        Returns:
            One for each layer where they do, else one for all.

        Example:
            >>> [group.num_kept for group in Budget((9, 5), 8).groups(uniform=True)]
            [4, 4]
        """
        if not uniform:
            return (self,)
        by_layer = self.num_kept // len(self.counts)
        return tuple(Budget((count,), by_layer) for count in self.counts)

    def spread(self) -> tuple[int, ...]:
        """Give some way of keeping so many, as even as the layers allow.

        Returns:
            Units of each layer; every layer's cost the same, so the totals are those of any way.

        Example:
            >>> Budget((12, 3), 12).spread()
            (9, 3)
        """
        left, found = self.num_kept, list(self.counts)
        smallest_first = sorted(range(len(found)), key=lambda layer: self.counts[layer])
        for place, layer in enumerate(smallest_first):
            found[layer] = min(self.counts[layer], left // (len(found) - place))
            left -= found[layer]
        return tuple(found)


def unit_counts(model: PreTrainedModel) -> dict[Kind, tuple[int, ...]]:
    """Count a model's heads and neurons.

    Args:
        model: A model of a supported family.

    Returns:
        By kind, the units of each layer.
    """
    encoder = view(model)
    return {"heads": encoder.num_heads, "neurons": encoder.ffn_sizes}


def unit_budgets(
    counts: Mapping[Kind, Sequence[int]], options: Amounts, *, allow_no_effect: bool = False
) -> dict[Kind, Budget]:
    """Say how many units of each kind stay.

    Args:
        counts: By kind, the units of each layer.
        options: What goes, and how much of it.
        allow_no_effect: Whether all units of a kind may stay.

    Returns:
        By kind that options name.

    Raises:
        StructureRangeError: If more would stay than there are, or nothing in a layer.
        NoEffectError: If all units of a kind would stay and may not.
    """
    budgets = {kind: _budget(kind, tuple(counts[kind]), options) for kind in options.kinds}
    for kind, budget in budgets.items():
        _check_range(kind, budget, options)
        if not allow_no_effect:
            _check_effect(kind, budget, options)
    return budgets


def _budget(kind: Kind, counts: tuple[int, ...], options: Amounts) -> Budget:
    asked = options.num_kept_by_layer(kind)
    ratio = 1 - (options.pruning_ratio or 0.0)
    if asked is None and not options.is_uniform:
        return Budget(counts, round(ratio * sum(counts)))
    by_layer = round(ratio * sum(counts) / len(counts)) if asked is None else asked
    return Budget(counts, by_layer * len(counts))


def _check_range(kind: Kind, budget: Budget, options: Amounts) -> None:
    unit, option = NAMES[kind]
    num_layers = len(budget.counts)
    most = num_layers * min(budget.counts) if options.is_uniform else budget.num_units
    if not num_layers <= budget.num_kept <= most:
        raise StructureRangeError(
            f"Could not prune {kind}: the layers cannot keep so many.",
            got=f"{_asked(kind, options)}: {budget.num_kept / num_layers:g} a layer",
            expected=_range(kind, budget, most),
            fix=f"give a {option} in that range, or a pruning_ratio that leaves a {unit} in each "
            "layer",
        )


def _check_effect(kind: Kind, budget: Budget, options: Amounts) -> None:
    option = NAMES[kind][1]
    if budget.num_kept == budget.num_units:
        raise NoEffectError(
            f"Could not prune {kind}: all of them would stay.",
            got=f"{_asked(kind, options)}: {budget.num_kept} of {budget.num_units}",
            expected=f"fewer than {budget.num_units} {kind} to stay, unless allow_no_effect is "
            "true",
            fix=f"give a smaller {option} or a higher pruning_ratio, or set allow_no_effect: true "
            "for a control run",
        )


def _asked(kind: Kind, options: Amounts) -> str:
    option = NAMES[kind][1]
    return f"{option} {options.num_kept_by_layer(kind)}, pruning_ratio {options.pruning_ratio}"


def _range(kind: Kind, budget: Budget, most: int) -> str:
    """Say what a layer can keep, on average where shape is free, if something is to go."""
    by_layer = min(most, budget.num_units - 1) // len(budget.counts)
    if by_layer == 0:
        return f"layers with more than one of the {kind}"
    return f"1 to {by_layer} {kind} a layer"
