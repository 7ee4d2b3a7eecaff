"""Rows of a study from little, in the schema of results.parquet."""

from collections.abc import Iterator, Sequence
from itertools import product
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


# F1 of the dense joint model, training sentences and entity overlap of each language
LANGUAGES = {
    "yor-Latn": (0.50, 100, 0.2),
    "swh-Latn": (0.60, 1000, 0.4),
    "hin-Deva": (0.70, 2000, 0.6),
    "eng-Latn": (0.80, 2000, 0.8),
}
ALONE = ("swh-Latn", "eng-Latn")
# what pruning takes, by sparsity, without and with embeddings
DROPS = {(0.5, "exclude"): 0.02, (0.5, "include"): 0.04, (0.9, "exclude"): 0.2}
DROPS |= {(0.9, "include"): 0.3}
OFFSETS = {0: -0.01, 1: 0.0, 2: 0.01}


def small_records(
    seeds: Sequence[int] = (0, 1, 2), perturbations: Sequence[str] = ("none", "in-language")
) -> Iterator[dict[str, Any]]:
    """Two ways of training, four languages; alone .05 less, perturbed .1 less, all by addition."""
    cells = [(0.0, None), *DROPS]
    for (sparsity, embeddings), seed, perturbation in product(cells, seeds, perturbations):
        for tag, (score, size, overlap) in LANGUAGES.items():
            value = score - DROPS.get((sparsity, embeddings), 0.0) + OFFSETS[seed]
            value -= 0.1 * (perturbation != "none")
            columns = {"sparsity": sparsity, "embeddings": embeddings, "seed": seed}
            columns |= {"num_train_sentences": size, "entity_overlap": overlap}
            columns |= {"perturbation": perturbation, "train_overlap": 0.125}
            bounds = {"low": value - 0.03, "high": value + 0.03}
            yield record(tag, value, **columns, **bounds)
            if tag in ALONE:
                lower = {name: bound - 0.05 for name, bound in bounds.items()}
                alone = {"setting": "monolingual", "languages": tag}
                yield record(tag, value - 0.05, **columns, **lower, **alone)


def small_study(**options: Any) -> pl.DataFrame:
    return to_rows(small_records(**options))
