"""The stages of a job as one table for a terminal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from tinyglot.reports.gaps import latency_protocol
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import DASH, mebibytes, millions, milliseconds, points
from tinyglot.reports.stages import Series, Stage, collect_series

FACTS: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("parameters", "num_parameters", millions),
    ("of these embedding", "num_embedding_parameters", millions),
    ("file size", "size_bytes", mebibytes),
    ("latency p50", "latency_ms_p50", milliseconds),
)


def stage_table(rows: pl.DataFrame, stages: Sequence[Mapping[str, Any]]) -> Table:
    """Put parameters, file size, latency and every language's score of each stage in one table.

    Stages are columns and languages rows, most damaged first, so that many languages fit.

    Args:
        rows: Long-form rows as ``evaluate`` gives them; may be empty.
        stages: Facts of each stage, its ``name`` among them, in order.

    Returns:
        A table to print. Where there are several tasks or splits, the scores are the first one's,
        which the caption names.

    Raises:
        DataFormatError: If the rows lack columns.
        MissingInputError: If there is no stage, one without a name, or two of one name.
    """
    series = collect_series(rows, stages)[0]
    table = Table(caption=_caption(series), caption_justify="left")
    table.add_column("")
    for stage in series.stages:
        table.add_column(Text(stage.name.replace("_", " ")), justify="right")
    for title, key, shown in FACTS:
        _add(table, title, [shown(stage.facts.get(key)) for stage in series.stages])
    if series.scored:
        _add_scores(table, series)
    return table


def _caption(series: Series) -> Text:
    scores = f"{series.title}: percentage points. " if series.scored else ""
    protocol = latency_protocol(series.stages)
    return Text(scores + (f"Latency: {protocol}." if protocol else ""))


def _add_scores(table: Table, series: Series) -> None:
    table.add_section()
    for tag in series.languages():
        name = f"{language_name(tag)} ({tag})"
        _add(table, name, [_points(stage, tag) for stage in series.stages])
    table.add_section()
    _add(table, "macro-average", [points(stage.macro_average) for stage in series.stages])
    _add(table, "worst language", [_worst(stage) for stage in series.stages])


def _points(stage: Stage, tag: str) -> str:
    return points(stage.scores[tag].value) if tag in stage.scores else DASH


def _worst(stage: Stage) -> str:
    tag = stage.worst_language
    return DASH if tag is None else f"{points(stage.scores[tag].value)} {tag}"


def _add(table: Table, title: str, cells: Sequence[str]) -> None:
    table.add_row(*(Text(cell) for cell in (title, *cells)))
