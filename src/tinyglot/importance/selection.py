"""Choosing the units that stay by their importance, and comparing two choices."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor

from tinyglot.errors import NonFiniteScoreError, StructureRangeError

Kept = tuple[tuple[int, ...], ...]


def select_units(scores: Sequence[Tensor], num_kept: int, *, uniform: bool) -> Kept:
    """Choose the most important units of a model, at least one in each layer.

    Of equally important units the one in the lower layer, and there the one with the lower index,
    stays. One more unit to keep never takes another out.

    Args:
        scores: Importance of the units of every layer.
        num_kept: Units that stay in the whole model.
        uniform: Whether every layer keeps the same number.

    Returns:
        Increasing indices of every layer.

    Raises:
        StructureRangeError: If there are not as many units, not one for each layer, or the layers
            cannot keep the same number.
        NonFiniteScoreError: If an importance is no number, as of a model whose training diverged,
            or infinite.

    Example:
        >>> select_units([torch.tensor([0.1, 0.9]), torch.tensor([0.2, 0.3])], 3, uniform=False)
        ((1,), (0, 1))
    """
    counts = [len(each) for each in scores]
    _check(counts, num_kept, uniform=uniform)
    _check_finite(scores)
    by_layer = num_kept // len(scores) if uniform else 1
    chosen = torch.cat([_is_among_best(each, by_layer) for each in scores])
    if not uniform:
        order = _from_best_to_worst(torch.cat([each.detach() for each in scores]))
        chosen[order[~chosen[order]][: num_kept - len(scores)]] = True
    return tuple(tuple(each.nonzero().flatten().tolist()) for each in chosen.split(counts))


def _from_best_to_worst(scores: Tensor) -> Tensor:
    return torch.argsort(scores, descending=True, stable=True)


def _is_among_best(scores: Tensor, count: int) -> Tensor:
    is_chosen = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    is_chosen[_from_best_to_worst(scores)[:count]] = True
    return is_chosen


def _check(counts: Sequence[int], num_kept: int, *, uniform: bool) -> None:
    layers, most = len(counts), sum(counts)
    fits = layers <= num_kept <= most
    if uniform:
        most = min(counts) * layers
        fits = layers <= num_kept <= most and num_kept % layers == 0
    if not fits:
        raise StructureRangeError(
            "Could not choose the units that stay: not with that number.",
            got=f"{num_kept} units to keep in {layers} layers",
            expected=f"{layers} to {most}"
            + (f", a multiple of {layers}: as many in every layer" if uniform else ""),
            fix="ask for a number in that range",
        )


def _check_finite(scores: Sequence[Tensor]) -> None:
    wrong = [layer for layer, each in enumerate(scores) if not each.isfinite().all()]
    if wrong:
        raise NonFiniteScoreError(
            "Could not choose the units that stay: some importance is infinite or no number.",
            got=f"in layer(s) {', '.join(map(str, wrong))}",
            expected="finite values",
            fix="check the model, whose training may have diverged, or choose another scorer",
        )


@dataclass(frozen=True)
class MaskOverlap:
    """How much two choices of units agree.

    Attributes:
        jaccard: Units that both keep over units that one of them keeps, 0 to 1.
        rank_correlation: Spearman's, of the importance of all units, -1 to 1; 0 where one of them
            ranks nothing.
    """

    jaccard: float
    rank_correlation: float


def mask_overlap(
    a: Sequence[Tensor], b: Sequence[Tensor], num_kept: int, *, uniform: bool
) -> MaskOverlap:
    """Compare what two scores of the same units would keep.

    Args:
        a: Importance of the units of every layer.
        b: Importance of the same units by another scorer, or on other languages.
        num_kept: Units that stay in the whole model.
        uniform: Whether every layer keeps the same number.

    Returns:
        Overlap of the two choices, and correlation of the two rankings.

    Raises:
        StructureRangeError: If so many units cannot be kept.
        NonFiniteScoreError: If an importance is infinite or no number.
    """
    chosen = [select_units(scores, num_kept, uniform=uniform) for scores in (a, b)]
    return MaskOverlap(jaccard(*chosen), rank_correlation(a, b))


def jaccard(a: Kept, b: Kept) -> float:
    """Count the units that two choices share, over those that either has.

    Args:
        a: Indices of every layer.
        b: Indices of every layer.

    Returns:
        0 for nothing shared to 1 for equal choices.

    Example:
        >>> jaccard(((0, 1), (0,)), ((1,), (0,)))
        0.6666666666666666
    """
    one, other = (
        {(layer, unit) for layer, units in enumerate(kept) for unit in units} for kept in (a, b)
    )
    return len(one & other) / max(len(one | other), 1)


def rank_correlation(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """Compare the order in which two scores rank the units of a model.

    Args:
        a: Importance of the units of every layer.
        b: Importance of the same units.

    Returns:
        Spearman's coefficient, ties counted with their mean rank; 0 where all values of one of
        them are equal.
    """
    one, other = (torch.cat([each.flatten() for each in scores]).cpu() for scores in (a, b))
    if one.unique().numel() == 1 or other.unique().numel() == 1:
        return 0.0
    return float(spearmanr(one.numpy(), other.numpy()).statistic)
