"""The tables of a study, from its rows alone: Markdown, CSV, JSON."""

import io
import json
from dataclasses import replace

import polars as pl

from tinyglot.reports.markdown import inline
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.rows import is_measured
from tinyglot.studies.shapes.tables import render_shape_tables
from tinyglot.studies.structured.blocks import is_structured
from tinyglot.studies.structured.tables import render_structured_tables
from tinyglot.studies.views.blocks import Block, blocks
from tinyglot.studies.views.overlap import overlap_tables
from tinyglot.studies.views.relative import relative_tables
from tinyglot.studies.views.robustness import robustness_tables
from tinyglot.studies.views.scores import score_tables
from tinyglot.studies.views.table import Table, points_frame
from tinyglot.studies.views.training import training_tables

KINDS = (score_tables, training_tables, relative_tables, robustness_tables, overlap_tables)


def study_tables(rows: pl.DataFrame) -> tuple[Table, ...]:
    """Make every table for which there are rows; what was not run is a dash.

    Args:
        rows: As ``read_rows`` gives them, of a study that may be unfinished.

    Returns:
        For each model, method and data set: scores per language, regular and perturbed, without
        and with pruned embeddings; one-language models beside joint ones; relative differences
        by training size, family and script; perturbed as a fraction of regular; entity overlap.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
    """
    return tuple(
        replace(table, name=numbered(table.name, place))
        for place, block in enumerate(blocks(rows))
        for table in block_tables(block)
    )


def block_tables(block: Block) -> tuple[Table, ...]:
    """Make every table of one block.

    Args:
        block: Rows of one model, method, task, data set, split and metric.

    Returns:
        Tables, in the order in which they are read.
    """
    return tuple(table for kind in KINDS for table in kind(block))


def numbered(name: str, place: int) -> str:
    """Tell names of different blocks apart: those of the first stay as they are."""
    return f"{name}-{place + 1}" if place else name


def render_tables(rows: pl.DataFrame, form: TableFormat) -> str:
    """Write the tables of a study as text; the same rows give the same bytes.

    Args:
        rows: As ``read_rows`` gives them.
        form: Markdown for people; CSV with one line a number; JSON with both.

    Returns:
        The text.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
    """
    if is_measured(rows):
        return render_shape_tables(rows, form)
    if is_structured(rows):
        return render_structured_tables(rows, form)
    if form is TableFormat.markdown:
        parts = (_section(block) for block in blocks(rows))
        return "\n".join(parts) or "Nothing has been scored yet.\n"
    tables = study_tables(rows)
    if form is TableFormat.csv:
        buffer = io.StringIO()
        points_frame(tables).write_csv(buffer)
        return buffer.getvalue()
    content = {"schema_version": 1, "tables": [table.as_dict() for table in tables]}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _section(block: Block) -> str:
    title = f"## {inline(str(block.key['study']))}: {inline(block.title)}\n"
    return "\n".join([title, *(table.markdown() for table in block_tables(block))])
