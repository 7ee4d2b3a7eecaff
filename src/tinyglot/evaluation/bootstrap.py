"""Percentile bootstrap over examples, from counts, many resamples at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

NUM_RESAMPLES = 1000
CONFIDENCE = 0.95
MAX_CELLS = 4_000_000

Scores = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def bootstrap_interval(
    counts: NDArray[np.int64],
    scores: Scores,
    seed: int,
    num_resamples: int = NUM_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Say between which scores the score would fall on other samples of as many examples.

    Every resample draws as many examples as there are, with replacement; its score is that of the
    summed counts. Models that are compared with one seed are resampled alike.

    Args:
        counts: One row of counts an example.
        scores: Turns summed counts (last axis) into scores.
        seed: Seed of the generator.
        num_resamples: How many samples are drawn.
        confidence: Share of the resampled scores that lies inside.

    Returns:
        The lower and the upper percentile.

    Cost:
        Time grows with examples x resamples; at most 32 MB of memory at a time.

    Randomness:
        A generator of its own, ``numpy.random.default_rng(seed)``.
    """
    resampled = scores(_resampled_totals(counts, seed, num_resamples))
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return float(low), float(high)


def _resampled_totals(counts: NDArray[np.int64], seed: int, num: int) -> NDArray[np.float64]:
    """Draw how often each example occurs in each resample, and sum its counts as often."""
    size = len(counts)
    generator = np.random.default_rng(seed)
    values = counts.astype(np.float64)
    at_once = max(1, MAX_CELLS // size)
    chunks = [min(at_once, num - start) for start in range(0, num, at_once)]
    shares = np.full(size, 1.0 / size)
    return np.concatenate(
        [generator.multinomial(size, shares, size=chunk) @ values for chunk in chunks]
    )
