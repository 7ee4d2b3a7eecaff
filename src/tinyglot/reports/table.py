"""Stages, scores and measurements as tables for a terminal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from tinyglot.reports.gaps import latency_protocol
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import DASH, mebibytes, millions, milliseconds
from tinyglot.reports.stages import Series, Stage, collect_series

FACTS: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("parameters, M", "num_parameters", millions),
    ("embedding, M", "num_embedding_parameters", millions),
    ("file size, MiB", "size_bytes", mebibytes),
    ("latency p50, ms", "latency_ms_p50", milliseconds),
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
    table.add_column("", no_wrap=True)
    _add_stage_columns(table, series.stages)
    for title, key, shown in FACTS:
        texts = [shown(stage.facts.get(key)) for stage in series.stages]
        _add(table, title, [text.split()[0] for text in texts])
    if series.scored:
        _add_scores(table, series)
    return table


def score_table(series: Series) -> Table:
    """Put the score of every language with its interval in one table, most damaged first.

    Args:
        series: One of ``collect_series``, with at least one scored stage.

    Returns:
        A table to print; macro-average and worst language stand under the languages.
    """
    table = Table(caption=Text(f"{series.title}: {series.scale.unit}."), caption_justify="left")
    table.add_column("")
    table.add_column("n", justify="right")
    _add_stage_columns(table, series.scored)
    for tag in series.languages():
        scores = [stage.scores[tag] for stage in series.scored if tag in stage.scores]
        cells = [_with_interval(stage, tag) for stage in series.scored]
        _add(table, f"{language_name(tag)} ({tag})", [str(scores[-1].n), *cells])
    table.add_section()
    _add(table, "macro-average", ["", *map(_macro, series.scored)])
    _add(table, "worst language", ["", *map(_worst, series.scored)])
    return table


def measure_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Put measurements in one table; what is the same in all rows is said once, under it.

    Args:
        rows: One mapping a measurement; units are in the keys (``_bytes``, ``_ms_``, ``_per_s``).

    Returns:
        A table to print.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    shared = [
        key for key in keys if len(rows) > 1 and len({str(row.get(key)) for row in rows}) == 1
    ]
    caption = ", ".join(f"{_heading(key)} {_measured(key, rows[0][key])}" for key in shared)
    table = Table(caption=Text(caption), caption_justify="left")
    columns = [key for key in keys if key not in shared]
    for key in columns:
        table.add_column(_heading(key), justify="left" if key == "model" else "right")
    for row in rows:
        table.add_row(*(Text(_measured(key, row.get(key))) for key in columns))
    return table


def _heading(key: str) -> str:
    for unit in ("_bytes", "_ms", "_per_s"):
        key = key.replace(unit, "")
    return key.removeprefix("num_").replace("_", " ")


def _measured(key: str, value: Any) -> str:  # noqa: ANN401  (any fact)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return DASH if value is None else str(value)
    if key.endswith("_bytes"):
        return mebibytes(value)
    if key.endswith("parameters"):
        return millions(value)
    if "_ms" in key:
        return milliseconds(value)
    return f"{value:,.1f}/s" if key.endswith("_per_s") else f"{value:,}"


def _add_stage_columns(table: Table, stages: Sequence[Stage]) -> None:
    for stage in stages:
        title = Text(stage.name.replace("_", " "))
        table.add_column(title, justify="right", overflow="fold")


def _with_interval(stage: Stage, tag: str) -> str:
    score = stage.scores.get(tag)
    return (
        DASH
        if score is None
        else stage.scale.points(score.value) + f" ({stage.scale.interval(score.low, score.high)})"
    )


def _caption(series: Series) -> Text:
    scores = f"{series.title}: {series.scale.unit}. " if series.scored else ""
    protocol = latency_protocol(series.stages)
    return Text(scores + (f"Latency: {protocol}." if protocol else ""))


def _add_scores(table: Table, series: Series) -> None:
    table.add_section()
    for tag in series.languages():
        _add(table, tag, [_points(stage, tag) for stage in series.stages])
    table.add_section()
    _add(table, "macro-average", list(map(_macro, series.stages)))
    _add(table, "worst language", list(map(_worst, series.stages)))


def _points(stage: Stage, tag: str) -> str:
    return stage.scale.points(stage.scores[tag].value) if tag in stage.scores else DASH


def _macro(stage: Stage) -> str:
    return stage.scale.points(stage.macro_average)


def _worst(stage: Stage) -> str:
    tag = stage.worst_language
    return DASH if tag is None else f"{_points(stage, tag)} {tag}"


def _add(table: Table, title: str, cells: Sequence[str]) -> None:
    table.add_row(*(Text(cell) for cell in (title, *cells)))
