"""Scores of groups of languages as tables for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from tinyglot.evaluation.groups import group_languages, group_scores
from tinyglot.reports.scale import Scale
from tinyglot.reports.stages import metric_title
from tinyglot.tasks import find_metric

HEADINGS = ("macro-average", "standard deviation", "worst language", "languages", "n")


def group_tables(rows: pl.DataFrame, by: str) -> Iterator[Table]:
    """Average scores over the languages of each script or family, one table a metric and run.

    Args:
        rows: Long-form rows as ``evaluate`` gives them.
        by: ``script`` or ``family``.

    Yields:
        Tables to print, groups as rows.

    Raises:
        ComparisonError: If there is no such grouping.
    """
    groups = group_languages(rows["language"].unique().sort().to_list(), by)
    keys = ["model", "task", "metric", "perturbation"]
    for (model, task, metric, perturbation), part in rows.partition_by(
        keys, as_dict=True, maintain_order=True
    ).items():
        found = find_metric(str(task), str(metric))
        higher = found is None or found.higher_is_better
        scores = group_scores(part, groups, higher_is_better=higher)
        scale = Scale.of(str(task), str(metric))
        title = f"{metric_title(str(metric))} by {by}, {task}, {model}, perturbation {perturbation}"
        yield _table(scores, by, f"{title}: {scale.unit}.", scale)


def _table(scores: pl.DataFrame, by: str, caption: str, scale: Scale) -> Table:
    table = Table(caption=Text(caption), caption_justify="left")
    table.add_column(by)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for row in scores.iter_rows(named=True):
        table.add_row(*(Text(cell) for cell in _cells(row, scale)))
    return table


def _cells(row: Mapping[str, Any], scale: Scale) -> Iterator[str]:
    yield str(row["group"])
    yield scale.points(row["macro_average"])
    yield scale.points(row["standard_deviation"])
    yield f"{scale.points(row['worst_value'])} {row['worst_language']}"
    yield f"{row['num_languages']:,}"
    yield f"{row['n']:,}"
