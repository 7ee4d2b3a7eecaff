"""Rows of counts, one an example: which are accepted, and what they score."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import NoExamplesError, NonFiniteScoreError, UnpairedExamplesError
from tinyglot.tasks.task import Counts

Scores = Callable[[Counts], NDArray[np.float64]]


def checked_counts(counts: Counts) -> NDArray[np.float64]:
    """Refuse counts that no score can be made of.

    Args:
        counts: One row an example.

    Returns:
        The same in float64, in which sums of whole numbers are exact up to 2^53.

    Raises:
        NoExamplesError: If there is no row.
        NonFiniteScoreError: If a count is infinite or no number.
    """
    values = np.asarray(counts, dtype=np.float64)
    if len(values) == 0:
        raise NoExamplesError(
            "Could not score: there is no example.",
            got="0 examples",
            expected="at least 1 example of every language",
            fix="leave out the languages without data in this split",
        )
    broken = ~np.isfinite(values).all(axis=-1)
    if broken.any():
        raise NonFiniteScoreError(
            "Could not score: counts are infinite or no number.",
            got=f"{values[broken][0].tolist()} at example {int(broken.argmax())}, "
            f"{int(broken.sum())} of {len(values)} such examples",
            expected="finite counts",
            fix="find out what the model puts out for this example",
        )
    return values


def scored(scores: Scores, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn sums of counts into scores, and refuse scores that are no number.

    Args:
        scores: Turns summed counts (last axis) into scores.
        totals: Sums of rows of counts.

    Returns:
        Finite scores.

    Raises:
        NonFiniteScoreError: If a score is infinite or no number.
    """
    values = np.asarray(scores(totals), dtype=np.float64)
    broken = ~np.isfinite(values)
    if broken.any():
        raise NonFiniteScoreError(
            "Could not use a score: it is infinite or no number.",
            got=f"{values[broken].flat[0]} from the counts {totals[broken][0].tolist()}, "
            f"{int(broken.sum())} of {values.size} such scores",
            expected="finite scores",
            fix="give every metric a value for counts of 0",
        )
    return values


def checked_pairs(dense: Counts, small: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Refuse counts of two models that are not of the same examples.

    Args:
        dense: Counts of one model, one row an example.
        small: Counts of the other for the same examples in the same order.

    Returns:
        Both in float64.

    Raises:
        UnpairedExamplesError: If they have other numbers of rows or columns.
        NoExamplesError: If there is no row.
        NonFiniteScoreError: If a count is infinite or no number.
    """
    if np.shape(dense) != np.shape(small):
        raise UnpairedExamplesError(
            "Could not compare two models: they were not scored on the same examples.",
            got=f"counts of shape {np.shape(dense)} and {np.shape(small)}",
            expected="as many examples and as many counts an example",
            fix="evaluate both models on the same data, split and languages",
        )
    return checked_counts(dense), checked_counts(small)
