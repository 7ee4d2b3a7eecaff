"""Scores of models trained with several seeds: their mean, and what is left of the original's."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import UnpairedExamplesError
from tinyglot.evaluation.bootstrap import (
    CONFIDENCE,
    NUM_RESAMPLES,
    percentiles,
    resampled_totals,
)
from tinyglot.evaluation.counts import Scores, checked_counts, scored
from tinyglot.tasks.task import Counts

MOST_UNUSABLE = 0.01


class Estimate(NamedTuple):
    """A number and its interval.

    Attributes:
        value: Of the examples and seeds there are.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


class SeededScores(NamedTuple):
    """Scores of several models on the same examples, each a mean over its training seeds.

    Attributes:
        values: One a model.
        drawn: One row a resample, one column a model; a row is the same draw for all models.
    """

    values: NDArray[np.float64]
    drawn: NDArray[np.float64]

    def estimate(self, model: int, confidence: float = CONFIDENCE) -> Estimate:
        """Give the score of one model.

        Args:
            model: Its place.
            confidence: Share of the resamples that lies inside.

        Returns:
            The mean over seeds, with its interval.
        """
        return _estimate(self.values[model], self.drawn[:, model], confidence)


def seeded_scores(
    counts: Sequence[Sequence[Counts]],
    scores: Scores,
    seed: int,
    name: str = "",
    num_resamples: int = NUM_RESAMPLES,
) -> SeededScores:
    """Score models that were each trained with several seeds, and resample examples and seeds.

    Every resample draws as many examples as there are, with replacement, the same for all models
    and seeds; and as many seeds, with replacement, the same for all models. So what is hard for
    all of them, and what a seed does to all of them, cancels out where two are compared. With few
    seeds the interval says little of training runs; with one seed it is over examples alone.

    Args:
        counts: By model and seed: one row of counts an example, in the same order.
        scores: Turns summed counts (last axis) into scores.
        seed: Seed of the generator.
        name: What is resampled; other names give other draws.
        num_resamples: How many are drawn.

    Returns:
        The score of each model, and those of all resamples.

    Raises:
        UnpairedExamplesError: If models differ in seeds or examples.
        NoExamplesError: If there is no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.

    Randomness:
        Generators of its own, from ``seed`` and ``name``.
    """
    table = _checked(counts)
    models, seeds, examples, columns = table.shape
    own_seed = seed + zlib.crc32(name.encode())
    rows = table.transpose(2, 0, 1, 3).reshape(examples, -1)
    totals = resampled_totals(rows, own_seed, num_resamples)
    each = scored(scores, totals.reshape(-1, models, seeds, columns))
    picked = np.random.default_rng([own_seed, 1]).integers(0, seeds, (len(each), 1, seeds))
    drawn = np.take_along_axis(each, picked.repeat(models, axis=1), axis=2).mean(axis=2)
    return SeededScores(scored(scores, table.sum(axis=2)).mean(axis=1), drawn)


def retentions(found: Sequence[SeededScores], model: int, original: int = 0) -> SeededScores | None:
    """Divide a model's scores by those of the original, score by score.

    Args:
        found: Scores of the same models on several tasks or languages.
        model: Place of the model.
        original: Place of the model that it is compared with.

    Returns:
        One column a task, each 1 where nothing is lost; resamples in which the original scores 0
        are no number. ``None`` if it scores 0 on all examples, or in more than 1 % of the
        resamples: nothing can be said of what is retained of so little.
    """
    before = np.array([one.values[original] for one in found])
    before_drawn = np.array([one.drawn[:, original] for one in found]).T
    unusable = (before_drawn == 0).any(axis=-1).mean() if found else 1.0
    if unusable > MOST_UNUSABLE or not before.all():
        return None
    after = np.array([one.values[model] for one in found])
    after_drawn = np.array([one.drawn[:, model] for one in found]).T
    usable = np.where(before_drawn == 0, np.nan, before_drawn)
    return SeededScores(after / before, after_drawn / usable)


def mean_estimate(found: SeededScores, confidence: float = CONFIDENCE) -> Estimate:
    """Average over the columns, each counting once; each was resampled on its own.

    Args:
        found: As ``retentions`` gives them.
        confidence: Share of the resamples that lies inside.

    Returns:
        The mean with its interval.
    """
    return _estimate(float(found.values.mean()), found.drawn.mean(axis=1), confidence)


def _estimate(value: float, drawn: NDArray[np.float64], confidence: float) -> Estimate:
    return Estimate(float(value), *percentiles(drawn[~np.isnan(drawn)], confidence))


def _checked(counts: Sequence[Sequence[Counts]]) -> NDArray[np.float64]:
    shapes = {np.shape(one) for model in counts for one in model}
    seeds = {len(model) for model in counts}
    if len(shapes) != 1 or len(seeds) != 1:
        raise UnpairedExamplesError(
            "Could not compare models of several seeds: they were not scored alike.",
            got=f"counts of shape {sorted(shapes)}, {sorted(seeds)} seeds",
            expected="the same examples and the same number of seeds for every model",
            fix="evaluate all models on the same data with the same seeds",
        )
    return np.stack([np.stack([checked_counts(one) for one in model]) for model in counts])
