"""Scores of groups of languages as tables for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from tinyglot.evaluation.groups import group_gaps, group_languages, group_scores
from tinyglot.reports.scale import Scale
from tinyglot.reports.stages import metric_title

HEADINGS = ("macro-average", "standard deviation", "worst language", "languages", "n")
KEYS = ("model", "task", "metric", "perturbation")


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
    for (model, task, metric, perturbation), scores in _scores_by_run(rows, by):
        scale = Scale.of(task, metric)
        title = f"{metric_title(metric)} by {by}, {task}, {model}, perturbation {perturbation}"
        caption = f"{title}: {scale.unit}.{_gap(scores, scale)}"
        yield _table(scores, by, caption, scale)


def group_rows(rows: pl.DataFrame, by: str) -> list[dict[str, Any]]:
    """Average scores over the languages of each script or family, for machines.

    Args:
        rows: Long-form rows as ``evaluate`` gives them.
        by: ``script`` or ``family``.

    Returns:
        One row a run, metric and group, with ``by`` in it.

    Raises:
        ComparisonError: If there is no such grouping.
    """
    parts = _scores_by_run(rows, by)
    return [{"by": by, **row} for _, scores in parts for row in scores.to_dicts()]


def _scores_by_run(rows: pl.DataFrame, by: str) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    groups = group_languages(rows["language"].unique().sort().to_list(), by)
    parts = rows.partition_by(KEYS, as_dict=True, maintain_order=True)
    for values, part in parts.items():
        names = tuple(map(str, values))
        higher = Scale.of(names[1], names[2]).higher_is_better
        yield names, group_scores(part, groups, higher_is_better=higher)


def _gap(scores: pl.DataFrame, scale: Scale) -> str:
    """Say how far the best and the worst group are apart; nothing where there is one group."""
    gaps = group_gaps(scores, higher_is_better=scale.higher_is_better).to_dicts()
    return "".join(
        f" Gap between {row['best_group']} and {row['worst_group']}: {scale.points(row['gap'])}."
        for row in gaps
        if row["best_group"] != row["worst_group"]
    )


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
