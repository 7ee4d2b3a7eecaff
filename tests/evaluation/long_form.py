"""Rows as an evaluation gives them, from little."""

import polars as pl


def rows(*cells, **columns) -> pl.DataFrame:
    """One row for each (language, value, n)."""
    names = {"model": "m", "metric": "f1", "seed": 0, **columns}
    schema = {"value": pl.Float64}
    return pl.DataFrame(
        [
            {**names, "language": tag, "value": value, "n": n, "low": 0.0, "high": 1.0}
            for tag, value, n in cells
        ],
        schema_overrides=schema,
    )
