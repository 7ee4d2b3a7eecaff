"""Differences of two models on the same examples: intervals, p-values, examples still needed."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import NonFiniteScoreError
from tinyglot.evaluation.bootstrap import (
    CONFIDENCE,
    NUM_RESAMPLES,
    chunks,
    percentiles,
    resampled_totals,
)
from tinyglot.evaluation.counts import Scores, checked_pairs, scored
from tinyglot.tasks.task import Counts

RELATIVE_ROUNDING = 1e-9


class Difference(NamedTuple):
    """What two models score on the same examples.

    Attributes:
        dense: Score of the one.
        small: Score of the other.
        delta: ``small - dense``.
        low: Lower end of the interval of ``delta``.
        high: Upper end.
    """

    dense: float
    small: float
    delta: float
    low: float
    high: float


def paired_difference(
    dense: Counts,
    small: Counts,
    scores: Scores,
    seed: int,
    num_resamples: int = NUM_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Say how far two models are apart, with a paired bootstrap interval.

    Every resample draws the same examples for both, so what is hard for both cancels out. A model
    differs from itself by exactly 0, with the interval [0, 0].

    Args:
        dense: Counts of the one model, one row an example.
        small: Counts of the other for the same examples in the same order.
        scores: Turns summed counts (last axis) into scores.
        seed: Seed of the generator.
        num_resamples: How many samples are drawn.
        confidence: Share of the resampled differences that lies inside.

    Returns:
        Both scores, their difference and its interval, in the score's own unit.

    Raises:
        UnpairedExamplesError: If the counts have other shapes.
        NoExamplesError: If there is no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.

    Randomness:
        A generator of its own, ``numpy.random.default_rng(seed)``.
    """
    deltas = resampled_deltas(dense, small, scores, seed, num_resamples)
    before, after = score_pair(dense, small, scores)
    return Difference(before, after, after - before, *percentiles(deltas, confidence))


def score_pair(dense: Counts, small: Counts, scores: Scores) -> tuple[float, float]:
    """Score two models.

    Args:
        dense: Counts of the one model, one row an example.
        small: Counts of the other.
        scores: Turns summed counts (last axis) into scores.

    Returns:
        Both scores.

    Raises:
        UnpairedExamplesError: If the counts have other shapes.
        NoExamplesError: If there is no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.
    """
    pair = checked_pairs(dense, small)
    before, after = (float(scored(scores, counts.sum(axis=0))) for counts in pair)
    return before, after


def resampled_deltas(
    dense: Counts, small: Counts, scores: Scores, seed: int, num_resamples: int = NUM_RESAMPLES
) -> NDArray[np.float64]:
    """Give the difference of two models in every resample; both have the same examples there.

    Args:
        dense: Counts of the one model, one row an example.
        small: Counts of the other for the same examples in the same order.
        scores: Turns summed counts (last axis) into scores.
        seed: Seed of the generator.
        num_resamples: How many samples are drawn.

    Returns:
        ``small - dense`` of each; exactly 0 for a model and itself.

    Raises:
        UnpairedExamplesError: If the counts have other shapes.
        NoExamplesError: If there is no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.

    Randomness:
        A generator of its own, ``numpy.random.default_rng(seed)``.
    """
    pair = checked_pairs(dense, small)
    rows = np.hstack((pair[0], pair[1] - pair[0]))  # sums of zeros are 0 without rounding
    totals, added = np.hsplit(resampled_totals(rows, seed, num_resamples), [pair[0].shape[1]])
    return scored(scores, totals + added) - scored(scores, totals)


def permutation_p_value(
    dense: Counts,
    small: Counts,
    scores: Scores,
    seed: int,
    num_permutations: int = NUM_RESAMPLES,
) -> float:
    """Say how often a difference this large comes from swapping equal models' outputs.

    If the models are equally good, any example's two outputs may as well be swapped. Each
    permutation swaps every example with probability 1/2; the p-value is two-sided and counts the
    observed order as one of the permutations, so that it is never 0.

    Args:
        dense: Counts of the one model, one row an example.
        small: Counts of the other for the same examples in the same order.
        scores: Turns summed counts (last axis) into scores.
        seed: Seed of the generator.
        num_permutations: How many permutations are drawn.

    Returns:
        A p-value, at least ``1 / (num_permutations + 1)``; 1 for a model and itself.

    Raises:
        UnpairedExamplesError: If the counts have other shapes.
        NoExamplesError: If there is no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.

    Randomness:
        A generator of its own, ``numpy.random.default_rng(seed)``.

    References:
        Phipson and Smyth (2010), Permutation p-values should never be zero.
    """
    pair = checked_pairs(dense, small)
    before, after = (counts.sum(axis=0) for counts in pair)
    moved = _swapped_totals(pair[1] - pair[0], np.random.default_rng(seed), num_permutations)
    deltas = scored(scores, after - moved) - scored(scores, before + moved)
    observed = abs(float(scored(scores, after)) - float(scored(scores, before)))
    extreme = np.abs(deltas) >= observed * (1.0 - RELATIVE_ROUNDING)
    return float((1 + extreme.sum()) / (1 + num_permutations))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of several languages, so that any false alarm stays as rare as one.

    Args:
        p_values: One a language, each in [0, 1].

    Returns:
        Adjusted p-values in the given order, none below its own.

    Raises:
        NonFiniteScoreError: If a value is no number in [0, 1].

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    wrong = [p for p in p_values if not 0.0 <= p <= 1.0]
    if wrong:
        raise NonFiniteScoreError(
            "Could not adjust p-values: they are no probabilities.",
            got=f"{wrong[0]}, {len(wrong)} of {len(p_values)} such values",
            expected="numbers from 0 to 1",
            fix="leave out the languages without a test",
        )
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = largest
    return adjusted


def examples_needed(difference: Difference, limit: float, n: int) -> int | None:
    """Estimate with how many examples the interval would no longer hold the limit.

    An interval's arms shrink with the square root of the number of examples; the difference is
    taken to stay where it is.

    Args:
        difference: What was found with ``n`` examples.
        limit: A difference, such as that of the largest drop that is allowed.
        n: Examples there are.

    Returns:
        A number of examples; ``None`` if the difference is the limit itself.

    Example:
        >>> examples_needed(Difference(0.8, 0.79, -0.01, -0.03, 0.01), -0.02, 100)
        400
    """
    distance = abs(difference.delta - limit)
    if distance == 0.0:
        return None
    is_above = difference.delta > limit
    arm = difference.delta - difference.low if is_above else difference.high - difference.delta
    # the first term forgives the rounding of a quotient that is a whole number
    return math.ceil(n * (arm / distance) ** 2 * (1.0 - RELATIVE_ROUNDING))


def _swapped_totals(
    differences: NDArray[np.float64], generator: np.random.Generator, num: int
) -> NDArray[np.float64]:
    """Sum the differences of the examples that are swapped; those of 0 need no draw."""
    kinds, sizes = np.unique(
        differences[np.any(differences != 0.0, axis=1)], axis=0, return_counts=True
    )
    if len(kinds) == 0:
        return np.zeros((num, differences.shape[1]))
    drawn = [
        generator.binomial(sizes, 0.5, size=(chunk, len(kinds))) @ kinds
        for chunk in chunks(num, len(kinds))
    ]
    return np.concatenate(drawn)
