"""Tables printed on standard output, for commands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import polars as pl
from rich.console import Console

from tinyglot.evaluation.compare import Comparison
from tinyglot.reports.comparison import comparison_table
from tinyglot.reports.downstream import downstream_table, has_downstream
from tinyglot.reports.groups import group_tables
from tinyglot.reports.stages import collect_series
from tinyglot.reports.table import measure_table, score_table, stage_table


class Measurement(Protocol):
    """Anything measured that can say its facts."""

    def as_dict(self) -> dict[str, Any]:
        """Give the facts, units in the keys."""


FILE_WIDTH = 140


def console() -> Console:
    """Take the terminal's width; in a file or pipe there is room for every column."""
    screen = Console()
    return screen if screen.is_terminal else Console(width=max(screen.width, FILE_WIDTH))


def print_stages(stages: Sequence[Mapping[str, Any]], rows: pl.DataFrame) -> None:
    """Print the stages of a run with their sizes, latency and scores.

    Where stages were fine-tuned on downstream tasks, their table has these.

    Args:
        stages: Facts of each stage, its ``name`` among them, in order.
        rows: Long-form rows as ``evaluate`` gives them; may be empty.

    Raises:
        DataFormatError: If the rows lack columns.
        MissingInputError: If a stage has no name, or two have the same.
    """
    if has_downstream(stages):
        console().print(downstream_table(stages))
    else:
        console().print(stage_table(rows, stages))


def print_scores(rows: pl.DataFrame) -> None:
    """Print the score of every language, one table a task and split.

    Args:
        rows: Long-form rows as ``evaluate`` gives them; may be empty.

    Raises:
        DataFormatError: If the rows lack columns.
    """
    screen = console()
    if rows.is_empty():
        screen.print("Nothing was scored.")
        return
    for series in collect_series(rows, ()):
        screen.print(score_table(series))


def print_groups(rows: pl.DataFrame, groupings: Iterable[str]) -> None:
    """Print averages over groups of languages, if any are asked for.

    Args:
        rows: Long-form rows as ``evaluate`` gives them.
        groupings: Any of ``script`` and ``family``.
    """
    screen = console()
    for by in groupings:
        for table in group_tables(rows, by):
            screen.print(table)


def print_measures(rows: Sequence[Measurement]) -> None:
    """Print measurements, one row each.

    Args:
        rows: As ``measure`` gives them.
    """
    console().print(measure_table([row.as_dict() for row in rows]))


def print_comparison(found: Comparison) -> None:
    """Print a comparison of two models.

    Args:
        found: As ``tinyglot.compare`` gives it.
    """
    console().print(comparison_table(found))
