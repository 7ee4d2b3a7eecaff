"""Which weights go: exactly so many of the smallest, ties in the order of their places."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tinyglot.errors import TrainingDivergedError

REMOVED = -1.0  # a magnitude below all others: what was removed goes first
_INFINITY = 0x7F800000  # as the bits of a float32; floats of one sign are ordered as their bits


class Selection(NamedTuple):
    """Which weights of a group stay.

    Attributes:
        keep: True = keep; one value a weight that is trained.
        num_frozen_removed: How many of the smallest weights that are not trained go.
    """

    keep: Tensor
    num_frozen_removed: int


def allocate(sizes: Sequence[int], total: int) -> list[int]:
    """Share out removals over groups by size, to the single weight.

    By the divisor method of Webster: with a larger total no group gets fewer, so a higher target
    removes what a lower one does and more. (Largest remainders can give a group one fewer.)

    Args:
        sizes: Weights of each group.
        total: Weights to remove, at most all.

    Returns:
        Removals of each group; their sum is ``total``.

    Example:
        >>> allocate([10, 10, 1], 11)
        [5, 5, 1]
    """
    # what has at most this priority in any case: a few less than the total
    rank = 2 * total - len(sizes)
    whole = max(sum(sizes), 1)
    counts = [max(0, -((whole - rank * size) // (2 * whole))) for size in sizes]
    places = [place for place, size in enumerate(sizes) if size]
    while sum(counts) < total:
        counts[min(places, key=lambda i: (Fraction(2 * counts[i] + 1, sizes[i]), i))] += 1
    return counts


def select(
    magnitudes: Tensor,
    num_removed: int,
    frozen: Tensor | None = None,
    num_frozen_removed: int = 0,
) -> Selection:
    """Choose the weights with the smallest magnitudes.

    Among equal magnitudes those with the smallest index go first, and trained ones before frozen
    ones.

    Args:
        magnitudes: Of the trained weights, one-dimensional float32; ``REMOVED`` for those that
            must go again.
        num_removed: How many go, with the frozen ones; at least as many as must go again.
        frozen: Magnitudes of weights that are not trained, increasing.
        num_frozen_removed: How many of these must go again.

    Returns:
        Exactly ``num_removed`` weights that do not stay.

    Raises:
        TrainingDivergedError: If too many weights are not numbers.

    Example:
        >>> select(torch.tensor([3.0, 1.0, 1.0, 2.0]), 2).keep
        tensor([ True, False, False,  True])
    """
    sorted_frozen = magnitudes.new_zeros(0) if frozen is None else frozen

    def frozen_up_to(value: float, *, inclusive: bool = True) -> int:
        place = torch.searchsorted(sorted_frozen, value, right=inclusive)
        return max(num_frozen_removed, int(place))

    value = _smallest_reaching(num_removed, magnitudes, frozen_up_to)
    keep = ~(magnitudes < value)  # also what is no number
    num_frozen = frozen_up_to(value, inclusive=False)
    num_ties = num_removed - (keep.numel() - int(keep.count_nonzero())) - num_frozen
    ties = (magnitudes == value).nonzero().flatten()[:num_ties]
    keep[ties] = False
    return Selection(keep, num_frozen + num_ties - len(ties))


def _smallest_reaching(num: int, magnitudes: Tensor, others_up_to: Callable[[float], int]) -> float:
    """Find the smallest float32 up to which there are ``num`` weights, by halving its bits."""
    num_comparable = int((magnitudes <= math.inf).count_nonzero()) + others_up_to(math.inf)
    if num_comparable < num:
        raise TrainingDivergedError(
            "Could not prune: there are weights that are no numbers.",
            got=f"{num_comparable} weights that can be compared",
            expected=f"at least {num}",
            fix="lower learning_rate, or use precision: fp32",
        )
    low, high, num_below = 0, _INFINITY, 0
    while low < high:
        middle = (low + high) // 2
        is_below = magnitudes <= _as_float(middle)
        count = int(is_below.count_nonzero())
        reaches = num_below + count + others_up_to(_as_float(middle)) >= num
        low, high = (low, middle) if reaches else (middle + 1, high)
        num_below += 0 if reaches else count
        if 0 < count < len(magnitudes):  # go on with those on the side of the threshold
            magnitudes = magnitudes[is_below if reaches else ~is_below]
        elif reaches == (count == 0):
            magnitudes = magnitudes[:0]  # all are on the other side
    return _as_float(low)


def _as_float(bits: int) -> float:
    return float(np.uint32(bits).view(np.float32))
