"""By what two models are compared, and what may not be asked."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinyglot.errors import ComparisonError
from tinyglot.evaluation.counts import checked_pairs
from tinyglot.evaluation.flips import dividing_columns
from tinyglot.evaluation.score import Evaluated
from tinyglot.languages import LanguageTag
from tinyglot.tasks.task import Metric, Task

MAX_DROP = 2.0


def choose_metric(task: Task[Any, Any], name: str | None) -> Metric:
    """Find a metric of a task.

    Args:
        task: The task.
        name: The metric's; the main one if ``None``.

    Returns:
        The metric.

    Raises:
        ComparisonError: If the task has no such metric.
    """
    by_name = {metric.name: metric for metric in task.scored_metrics}
    if name is not None and name not in by_name:
        raise ComparisonError(
            "Could not compare: the task has no such metric.",
            got=f"{name} of {task.id}",
            expected=f"one of {', '.join(by_name)}",
            fix=f"--metric {task.metrics[0].name}",
        )
    return task.metrics[0] if name is None else by_name[name]


def choose_max_drop(max_drop: float | None, metric: Metric) -> float:
    """Give the largest allowed drop, which has a default in percentage points only.

    Args:
        max_drop: What was asked for.
        metric: By which models are compared.

    Returns:
        The same, or 2.0 percentage points.

    Raises:
        ComparisonError: If there is none for a metric that is no share.
    """
    if max_drop is None and metric.unit != "fraction":
        raise ComparisonError(
            "Could not compare: a metric that is no share has no usual largest drop.",
            got=f"{metric.name} in {metric.unit}, without --max-drop",
            expected="the largest allowed change, in the metric's own unit",
            fix="--max-drop 0.1, or what you can afford",
        )
    return MAX_DROP if max_drop is None else max_drop


def check_same_tokens(
    dense: Mapping[LanguageTag, Evaluated], small: Mapping[LanguageTag, Evaluated], metric: Metric
) -> None:
    """Refuse to compare losses a token of models that cut text into other tokens.

    Args:
        dense: What the one model said, by language.
        small: What the other said.
        metric: By which they are compared.

    Raises:
        ComparisonError: If a score that is no share is divided by other numbers.
    """
    if metric.unit == "fraction":
        return
    for tag in dense:
        before, after = checked_pairs(dense[tag].counts, small[tag].counts)
        columns = dividing_columns(metric, before.shape[-1])
        first, second = (counts[:, columns].sum() for counts in (before, after))
        if not np.array_equal(before[:, columns], after[:, columns]):
            raise ComparisonError(
                f"Could not compare by {metric.name}: the models cut the text into other tokens.",
                got=f"{tag}: {first:,.0f} and {second:,.0f} tokens",
                expected="the same tokens, or a score a word",
                fix="--metric pseudo_perplexity",
            )


def check_options(max_drop: float, confidence: float) -> None:
    """Refuse what cannot be asked, before any model runs.

    Args:
        max_drop: Largest drop that is allowed.
        confidence: Of the intervals.

    Raises:
        ComparisonError: If one is out of range.
    """
    if not (math.isfinite(max_drop) and max_drop >= 0.0):
        raise ComparisonError(
            "Could not compare: the largest allowed drop is no such thing.",
            got=f"{max_drop}",
            expected="0 or more, in percentage points or in the metric's own unit",
            fix="--max-drop 2.0",
        )
    if not 0.0 < confidence < 1.0:
        raise ComparisonError(
            "Could not compare: the confidence is no share.",
            got=f"{confidence}",
            expected="above 0 and below 1",
            fix="--confidence 0.95",
        )
