"""What a study found, as long-form rows: one a cell, language, perturbation and metric."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tinyglot.errors import ComparisonError, DataFormatError, DataNotFoundError
from tinyglot.files import replacing

RESULTS_FILE = "results.parquet"
MULTILINGUAL, MONOLINGUAL = "multilingual", "monolingual"
SETTINGS = (MULTILINGUAL, MONOLINGUAL)

SCHEMA = {
    "study": pl.String,
    "key": pl.String,
    "model": pl.String,
    "method": pl.String,
    "setting": pl.String,
    "languages": pl.String,
    "sparsity": pl.Float64,
    "embeddings": pl.String,
    "seed": pl.Int64,
    "task": pl.String,
    "dataset": pl.String,
    "language": pl.String,
    "split": pl.String,
    "perturbation": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "n": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
    "num_train_sentences": pl.Int64,
    "train_overlap": pl.Float64,
    "entity_overlap": pl.Float64,
}
"""Columns in order. ``key`` names the cell; ``setting`` is multilingual or monolingual;
``languages`` names the set trained on; ``embeddings`` says whether their weights are pruned as
well (``exclude`` or ``include``; null for dense cells, which both variants share). Of the row's
language: ``num_train_sentences`` (0 where it is not trained on), ``train_overlap`` (share of the
scored sentences that the cell was trained on) and ``entity_overlap`` (share of the mentions of
the scored split that the cell was trained on), null where they are not known."""

MEASURED = {
    "study": pl.String,
    "key": pl.String,
    "model": pl.String,
    "part": pl.String,
    "removed": pl.Float64,
    "runtime": pl.String,
    "threads": pl.Int64,
    "batch": pl.Int64,
    "length": pl.Int64,
    "sizes": pl.String,
    "is_stock": pl.Boolean,
    "num_parameters": pl.Int64,
    "num_embedding_parameters": pl.Int64,
    "n": pl.Int64,
    "latency_ms_p50": pl.Float64,
    "latency_ms_p95": pl.Float64,
    "latency_ms_min": pl.Float64,
    "speedup": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
"""Columns of a study of shapes. ``part`` is what was made smaller, ``none`` for the whole model;
``removed`` the share of all parameters that was asked for, of the cell for the whole model too;
``sizes`` the model's sizes in words. ``speedup`` is the median over the ``n`` rounds of the whole
model's time over this one's in the same round, with the 95 % bootstrap interval ``low`` to
``high``."""
MEASURED_IDENTITY = ("study", "model", "part", "removed", "runtime", "threads", "batch", "length")

COORDINATES = ("model", "method", "setting", "languages", "sparsity", "embeddings", "seed")
ABOUT_DATA = ("num_train_sentences", "train_overlap", "entity_overlap")
MAY_BE_NULL = ("embeddings", "dataset", "low", "high", *ABOUT_DATA)
IDENTITY = ("study", *COORDINATES, "task", "dataset", "language", "split", "perturbation", "metric")
"""What no two rows share."""


@dataclass(frozen=True)
class Form:
    """What rows of one kind of study look like.

    Attributes:
        columns: Types by name, in order.
        may_be_null: Columns that may say nothing.
        identity: What no two rows share.
    """

    columns: Mapping[str, Any]
    may_be_null: tuple[str, ...]
    identity: tuple[str, ...]


SCORED_FORM = Form(SCHEMA, MAY_BE_NULL, IDENTITY)
MEASURED_FORM = Form(MEASURED, (), MEASURED_IDENTITY)


def is_measured(rows: pl.DataFrame) -> bool:
    """Tell whether rows are those of a study of shapes."""
    return "part" in rows.columns


def further_columns(columns: Iterable[str]) -> dict[str, Any]:
    """List the columns that a study has beyond those of all studies: its own coordinates.

    Args:
        columns: Names of its columns, or of its coordinates.

    Returns:
        Types by name: the share of units that are removed, and names of values of its axes.
    """
    names = [name for name in columns if name not in SCHEMA]
    return {name: pl.Float64 if name == "pruning_ratio" else pl.String for name in names}


def scored_form(columns: Iterable[str]) -> Form:
    """Say what rows of scores look like in a study with some coordinates of its own.

    Args:
        columns: Names of its columns, or of its coordinates.

    Returns:
        The form; the usual one where nothing is added.
    """
    further = further_columns(columns)
    return Form({**SCHEMA, **further}, MAY_BE_NULL, (*IDENTITY, *further))


def _form_of(rows: pl.DataFrame) -> Form:
    """Choose the form; columns that no study could have added are no part of it."""
    if is_measured(rows):
        return MEASURED_FORM
    further = further_columns(rows.columns)
    fitting = {name for name, kind in further.items() if rows.schema[name] == kind}
    is_last = rows.columns[: len(SCHEMA)] == list(SCHEMA)
    return scored_form(name for name in rows.columns if is_last and name in fitting)


def to_rows(records: Iterable[Mapping[str, Any]], form: Form = SCORED_FORM) -> pl.DataFrame:
    """Put records in the one order and the types of the schema.

    Args:
        records: One a row, with every column of the schema; others are refused.
        form: Which schema.

    Returns:
        The rows, sorted by what tells them apart, so that the order of the records is of no
        account.

    Raises:
        DataFormatError: If a record lacks a column, has another one, or holds what the column
            cannot.
        ComparisonError: If two records are of the same cell, language, perturbation and metric.
    """
    listed = list(records)
    for record in listed:
        _check_columns(record, form.columns)
    try:
        rows = pl.DataFrame(listed, schema=dict(form.columns), orient="row")
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise DataFormatError(
            "Could not make rows of a study: a value is not of its column's type.",
            got=" ".join(str(error).split()),
            expected=", ".join(f"{name} {kind}" for name, kind in form.columns.items()),
            fix="run the cell again; rows are written by `tinyglot study run`",
        ) from error
    return check_study_rows(rows)


def check_study_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Refuse what tables cannot be made of, and sort the rest.

    Args:
        rows: With the columns of the schema.

    Returns:
        The rows, sorted.

    Raises:
        DataFormatError: If columns are missing or of another type, or a needed value is null.
        ComparisonError: If two rows are of the same cell, language, perturbation and metric.
    """
    form = _form_of(rows)
    if dict(rows.schema) != form.columns:
        _refuse_schema(rows, form.columns)
    needed = [name for name in form.columns if name not in form.may_be_null]
    holes = [name for name in needed if rows[name].null_count()]
    if holes:
        raise DataFormatError(
            "Could not use the rows of a study: values are missing.",
            got=", ".join(f"{rows[name].null_count()} in {name}" for name in holes),
            expected=f"null only in {', '.join(form.may_be_null) or 'no column'}",
            fix="run the cells again: tinyglot study run",
        )
    doubled = rows.filter(rows.select(form.identity).is_duplicated())
    if not doubled.is_empty():
        raise ComparisonError(
            "Could not use the rows of a study: some are there twice.",
            got=f"{len(doubled)} rows, such as {doubled.select('key', *form.identity).row(0)}",
            expected=f"one row for each {', '.join(form.identity)}",
            fix="keep the rows of one version of a cell: tinyglot study run",
        )
    return rows.sort(form.identity)


def write_rows(rows: pl.DataFrame, path: Path) -> None:
    """Write the rows in one step; an interrupted call leaves the old file.

    Args:
        rows: As ``to_rows`` gives them.
        path: Such as ``results.parquet``.

    Raises:
        DataFormatError: If the rows have other columns.
        ComparisonError: If rows are there twice.
        DiskFullError: If there is no room.
    """
    checked = check_study_rows(rows)
    with replacing(path) as temporary:
        checked.write_parquet(temporary)


def read_rows(place: str | Path) -> pl.DataFrame:
    """Read the rows of a study.

    Args:
        place: The study's directory, or a file such as ``results.parquet``.

    Returns:
        The rows, sorted.

    Raises:
        DataNotFoundError: If there is no such file.
        DataFormatError: If the file holds something else.
        ComparisonError: If rows are there twice.
    """
    path = Path(place)
    path = path / RESULTS_FILE if path.is_dir() else path
    if not path.is_file():
        raise DataNotFoundError(
            "Could not read the rows of a study: no such file.",
            got=str(path),
            expected=f"the directory of a study that has run, with its {RESULTS_FILE}",
            fix="tinyglot study run NAME --out DIR",
        )
    try:
        return check_study_rows(pl.read_parquet(path))
    except pl.exceptions.PolarsError as error:
        raise DataFormatError(
            "Could not read the rows of a study: the file is no parquet.",
            got=f"{path.name}: {' '.join(str(error).split())}",
            expected=f"a {RESULTS_FILE} as tinyglot study run writes it",
            fix="tinyglot study run NAME --out DIR writes it again from the cells",
        ) from error


def place_of(study: str | Path) -> Path:
    """Find what a user names: a directory, a file, or the name of a folder in ``studies``.

    Args:
        study: Such as ``studies/imp-small`` or ``imp-small``.

    Returns:
        The path; as it was given if there is nothing.
    """
    named = Path("studies") / study
    return named if named.is_dir() and not Path(study).exists() else Path(study)


def _check_columns(record: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
    missing = [name for name in columns if name not in record]
    unknown = [name for name in record if name not in columns]
    if missing or unknown:
        raise DataFormatError(
            "Could not make rows of a study: a record has other columns.",
            got=f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}",
            expected=", ".join(columns),
            fix="name the columns as tinyglot.studies.rows.SCHEMA does",
        )


def _refuse_schema(rows: pl.DataFrame, columns: Mapping[str, Any]) -> None:
    got = [f"{name} {kind}" for name, kind in rows.schema.items() if columns.get(name) != kind]
    missing = [name for name in columns if name not in rows.columns]
    raise DataFormatError(
        "Could not use the rows of a study: they have other columns.",
        got=f"missing: {', '.join(missing) or 'none'}; other: {', '.join(got) or 'order only'}",
        expected=", ".join(f"{name} {kind}" for name, kind in columns.items()),
        fix="write them with tinyglot.studies.rows.write_rows",
    )
