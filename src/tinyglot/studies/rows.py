"""What a study found, as long-form rows: one a cell, language, perturbation and metric."""

from collections.abc import Iterable, Mapping
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

COORDINATES = ("model", "method", "setting", "languages", "sparsity", "embeddings", "seed")
ABOUT_DATA = ("num_train_sentences", "train_overlap", "entity_overlap")
MAY_BE_NULL = ("embeddings", "dataset", "low", "high", *ABOUT_DATA)
IDENTITY = ("study", *COORDINATES, "task", "dataset", "language", "split", "perturbation", "metric")
"""What no two rows share."""


def to_rows(records: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Put records in the one order and the types of the schema.

    Args:
        records: One a row, with every column of the schema; others are refused.

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
        _check_columns(record)
    try:
        rows = pl.DataFrame(listed, schema=SCHEMA, orient="row")
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise DataFormatError(
            "Could not make rows of a study: a value is not of its column's type.",
            got=" ".join(str(error).split()),
            expected=", ".join(f"{name} {kind}" for name, kind in SCHEMA.items()),
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
    if dict(rows.schema) != SCHEMA:
        _refuse_schema(rows)
    needed = [name for name in SCHEMA if name not in MAY_BE_NULL]
    holes = [name for name in needed if rows[name].null_count()]
    if holes:
        raise DataFormatError(
            "Could not use the rows of a study: values are missing.",
            got=", ".join(f"{rows[name].null_count()} in {name}" for name in holes),
            expected=f"null only in {', '.join(MAY_BE_NULL)}",
            fix="run the cells again: tinyglot study run",
        )
    doubled = rows.filter(rows.select(IDENTITY).is_duplicated())
    if not doubled.is_empty():
        raise ComparisonError(
            "Could not use the rows of a study: some are there twice.",
            got=f"{len(doubled)} rows, such as {doubled.select('key', *IDENTITY).row(0)}",
            expected=f"one row for each {', '.join(IDENTITY)}",
            fix="keep the rows of one version of a cell: tinyglot study run",
        )
    return rows.sort(IDENTITY)


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


def _check_columns(record: Mapping[str, Any]) -> None:
    missing = [name for name in SCHEMA if name not in record]
    unknown = [name for name in record if name not in SCHEMA]
    if missing or unknown:
        raise DataFormatError(
            "Could not make rows of a study: a record has other columns.",
            got=f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}",
            expected=", ".join(SCHEMA),
            fix="name the columns as tinyglot.studies.rows.SCHEMA does",
        )


def _refuse_schema(rows: pl.DataFrame) -> None:
    got = [f"{name} {kind}" for name, kind in rows.schema.items() if SCHEMA.get(name) != kind]
    missing = [name for name in SCHEMA if name not in rows.columns]
    raise DataFormatError(
        "Could not use the rows of a study: they have other columns.",
        got=f"missing: {', '.join(missing) or 'none'}; other: {', '.join(got) or 'order only'}",
        expected=", ".join(f"{name} {kind}" for name, kind in SCHEMA.items()),
        fix="write them with tinyglot.studies.rows.write_rows",
    )
