"""Which examples only one of two models gets right."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from tinyglot.errors import ComparisonError, UnpairedExamplesError
from tinyglot.evaluation.counts import checked_pairs, scored
from tinyglot.evaluation.score import Evaluated
from tinyglot.languages import LanguageTag
from tinyglot.tasks.task import Counts, Metric, Task

ROUNDING = 1e-9
NUM_PROBES = 16
SCHEMA = {
    "language": pl.String,
    "index": pl.Int64,
    "flip": pl.String,
    "text": pl.String,
    "gold": pl.String,
    "dense": pl.String,
    "small": pl.String,
}
GOLD_FIELDS = ("tags", "label", "answers", "target")


class FlipCounts(NamedTuple):
    """How many examples only one of two models gets right.

    Attributes:
        lost: Right by the dense model only.
        gained: Right by the small model only.
        p_value: McNemar's exact test of whether both are as many.
    """

    lost: int
    gained: int
    p_value: float


def used_columns(metric: Metric, num_columns: int) -> NDArray[np.bool_]:
    """Tell which counts a metric looks at; a task's rows may hold those of other metrics too.

    Args:
        metric: Of the task.
        num_columns: How many counts a row has.

    Returns:
        For every column, whether more of it changes the score.
    """
    changes: NDArray[np.bool_] = (_effects(metric, num_columns) != 0.0).any(axis=-1)
    return changes


def dividing_columns(metric: Metric, num_columns: int) -> NDArray[np.bool_]:
    """Tell which counts a metric of a task divides by, such as tokens.

    Args:
        metric: Of the task.
        num_columns: How many counts a row has.

    Returns:
        For every column, whether more of it makes the score smaller.
    """
    falls = np.less(_effects(metric, num_columns), 0.0)
    return np.asarray(falls.any(axis=-1), dtype=np.bool_)


def _effects(metric: Metric, num_columns: int) -> NDArray[np.float64]:
    """Add to each column of some made-up totals; one row a column, one effect a total."""
    totals = np.random.default_rng(0).integers(1, 50, (NUM_PROBES, num_columns)).astype(np.float64)
    added = totals + np.eye(num_columns)[:, None, :]
    return scored(metric.scores, added) - scored(metric.scores, totals)


def check_share(metric: Metric) -> None:
    """Refuse a metric by which no example is right or wrong.

    Args:
        metric: Of the task.

    Raises:
        ComparisonError: If the metric is no share.
    """
    if metric.unit != "fraction" or not metric.higher_is_better:
        raise ComparisonError(
            "Could not tell right from wrong examples: the metric is no share of what is right.",
            got=f"{metric.name} in {metric.unit}",
            expected="a metric in [0, 1], such as f1 or accuracy",
            fix="compare without flips",
        )


def right_examples(counts: Counts, metric: Metric) -> NDArray[np.bool_]:
    """Tell which examples are wholly right.

    Those are right whose own score is 1, or that have nothing to find and of which nothing was
    claimed (all counts that the metric uses are 0).

    Args:
        counts: One row an example.
        metric: A score in [0, 1].

    Returns:
        One truth value an example.

    Raises:
        ComparisonError: If the metric is no share, so that nothing is right or wrong.
        NonFiniteScoreError: If a score is infinite or no number.
    """
    check_share(metric)
    values = np.asarray(counts, dtype=np.float64)
    own = scored(metric.scores, values)
    used = values[..., used_columns(metric, values.shape[-1])]
    right: NDArray[np.bool_] = (own >= 1.0 - ROUNDING) | ~used.any(axis=-1)
    return right


def flip_counts(dense: Counts, small: Counts, metric: Metric) -> FlipCounts:
    """Count the examples that only one of two models gets right.

    Args:
        dense: Counts of the one model, one row an example.
        small: Counts of the other for the same examples in the same order.
        metric: A score in [0, 1].

    Returns:
        Both counts and McNemar's exact p-value; 1 if there is no flip.

    Raises:
        UnpairedExamplesError: If the counts have other shapes.
        NoExamplesError: If there is no example.
        ComparisonError: If the metric is no share.
        NonFiniteScoreError: If a count or a score is infinite or no number.

    References:
        McNemar (1947), Note on the sampling error of the difference between correlated
        proportions.
    """
    before, after = (right_examples(counts, metric) for counts in checked_pairs(dense, small))
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    total = lost + gained
    p_value = float(stats.binomtest(lost, total, 0.5).pvalue) if total else 1.0
    return FlipCounts(lost, gained, p_value)


def flipped_examples(
    dense: Mapping[LanguageTag, Evaluated],
    small: Mapping[LanguageTag, Evaluated],
    task: Task[Any, Any],
    metric: Metric | None = None,
) -> pl.DataFrame:
    """List the examples that only one of two models gets right.

    Args:
        dense: What the one model said, by language.
        small: What the other said about the same examples.
        task: The task.
        metric: Says what is right; the task's main one if ``None``.

    Returns:
        One row an example: language, index (in the data, from 0), flip (``lost`` or ``gained``),
        text, gold, dense and small.

    Raises:
        UnpairedExamplesError: If languages or examples differ.
        ComparisonError: If the metric is no share.
    """
    check_same_examples(dense, small)
    metric = metric or task.metrics[0]
    right = {
        tag: [right_examples(found[tag].counts, metric) for found in (dense, small)]
        for tag in dense
    }
    rows = [
        row
        for tag, (before, after) in right.items()
        for row in _rows(tag, (dense[tag], small[tag]), (before, after), task)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def check_same_examples(
    dense: Mapping[LanguageTag, Evaluated], small: Mapping[LanguageTag, Evaluated]
) -> None:
    """Refuse to compare what two models said about different examples.

    Args:
        dense: What the one model said, by language.
        small: What the other said.

    Raises:
        UnpairedExamplesError: If languages or examples differ.
    """
    fix = "evaluate both models on the same data, split and languages"
    if dense.keys() != small.keys():
        raise UnpairedExamplesError(
            "Could not compare two models: they were evaluated on other languages.",
            got=f"{', '.join(sorted(dense.keys() ^ small.keys()))} of one model only",
            expected="the same languages of both",
            fix=fix,
        )
    for tag in dense:
        first, second = list(dense[tag].examples), list(small[tag].examples)
        if first != second:
            raise UnpairedExamplesError(
                "Could not compare two models: they were evaluated on other examples.",
                got=f"{tag}: {len(first)} and {len(second)} examples, "
                f"the first difference at {_first_difference(first, second)}",
                expected="the same examples in the same order",
                fix=fix,
            )


def _rows(
    tag: LanguageTag,
    pair: tuple[Evaluated, Evaluated],
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    task: Task[Any, Any],
) -> list[tuple[object, ...]]:
    dense, small = pair
    before, after = right
    return [
        (
            tag,
            index,
            "lost" if before[index] else "gained",
            task.text_of(dense.examples[index]),
            _shown(_gold(dense.examples[index])),
            _shown(dense.predictions[index]),
            _shown(small.predictions[index]),
        )
        for index in np.flatnonzero(before != after).tolist()
    ]


def _gold(example: Any) -> object:  # noqa: ANN401  (an example of any task)
    found = (getattr(example, name) for name in GOLD_FIELDS if hasattr(example, name))
    return next(found, None)


def _shown(value: object) -> str:
    """Tags behind each other, the text of an answer, a label as it is."""
    if isinstance(value, tuple | list):
        between = " " if all(isinstance(part, str) for part in value) else " | "
        return between.join(map(_shown, value))
    return str(getattr(value, "text", value))


def _first_difference(first: Sequence[Any], second: Sequence[Any]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
