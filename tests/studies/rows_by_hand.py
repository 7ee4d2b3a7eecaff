"""Rows of a study from little, in the schema of results.parquet."""

from typing import Any

import polars as pl

from tinyglot.studies.rows import to_rows

DEFAULTS = {
    "study": "by-hand",
    "model": "tiny",
    "method": "magnitude_pruning",
    "setting": "multilingual",
    "languages": "all",
    "seed": 0,
    "task": "ner",
    "dataset": "panx",
    "split": "test",
    "perturbation": "none",
    "metric": "f1",
    "n": 200,
    "low": None,
    "high": None,
    "num_train_sentences": 100,
    "train_overlap": 0.0,
    "entity_overlap": 0.5,
}


def record(language: str, value: float, **columns: Any) -> dict[str, Any]:
    """One record; dense unless ``sparsity`` says otherwise, and then without embeddings."""
    sparsity = columns.get("sparsity", 0.0)
    variant = {"sparsity": sparsity, "embeddings": "exclude" if sparsity else None}
    found = {**DEFAULTS, **variant, "language": language, "value": value, **columns}
    parts = (found[name] for name in ("setting", "languages", "sparsity", "embeddings", "seed"))
    return {"key": "-".join(map(str, parts)), **found}


def rows(*records: dict[str, Any]) -> pl.DataFrame:
    return to_rows(records)
