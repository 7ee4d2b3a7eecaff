"""What an export costs each language, from the scores of the source and of the export."""

from pathlib import Path

import polars as pl

from tinyglot.errors import DataFormatError, ParityError
from tinyglot.export.record import RECORD_FILE
from tinyglot.files import read_json, write_json

_KEYS = ("task", "dataset", "language", "split", "perturbation", "metric")


def score_changes(source: pl.DataFrame, export: pl.DataFrame) -> pl.DataFrame:
    """Set the scores of source and export side by side, the most damaged language first.

    Args:
        source: Long-form rows of the source, one a language and metric.
        export: Long-form rows of the export, on the same examples.

    Returns:
        The common columns, ``n``, ``value_source``, ``value_export``, and ``score_delta_points``:
        export less source, in percentage points.

    Raises:
        DataFormatError: If they were not scored on the same languages and examples.
    """
    left = source.select(*_KEYS, "n", value_source="value")
    right = export.select(*_KEYS, n_export="n", value_export="value")
    joined = left.join(right, on=_KEYS, how="full", coalesce=True)
    unlike = joined.filter(pl.col("n").ne_missing(pl.col("n_export")))
    if unlike.height or joined.is_empty() or joined.height > min(left.height, right.height):
        raise DataFormatError(
            "Could not compare scores: source and export were not scored on the same examples.",
            got=", ".join(sorted(set(unlike["language"]))) or f"{joined.height} row(s)",
            expected="one row a language and metric in both, with the same n",
            fix="evaluate both with the same --data, --language and split",
        )
    delta = 100 * (pl.col("value_export") - pl.col("value_source"))
    return (
        joined.drop("n_export")
        .with_columns(score_delta_points=delta)
        .sort("score_delta_points", "language", "metric")
    )


def check_scores(changes: pl.DataFrame, max_loss_points: float) -> None:
    """Refuse an export that costs any language more than it may.

    Args:
        changes: From ``score_changes``.
        max_loss_points: Largest loss allowed, in percentage points.

    Raises:
        ParityError: If a language loses more.
    """
    lost = changes.filter(pl.col("score_delta_points") < -max_loss_points)
    if lost.is_empty():
        return
    worst = lost.sort("score_delta_points").row(0, named=True)
    raise ParityError(
        f"Could not accept the export: {lost['language'].n_unique()} language(s) lose too much.",
        got=f"{worst['language']} {worst['metric']} {worst['value_source']:.4f} -> "
        f"{worst['value_export']:.4f} ({worst['score_delta_points']:+.2f} points, n={worst['n']})",
        expected=f"at most {max_loss_points:g} points lost in every language",
        fix="export without --int8, or allow a larger loss",
    )


def record_scores(directory: Path, changes: pl.DataFrame) -> None:
    """Add what the export costs each language to its ``export.json``.

    Args:
        directory: The export.
        changes: From ``score_changes``.
    """
    path = directory / RECORD_FILE
    write_json(path, {**read_json(path), "scores": changes.to_dicts()})
