"""Recall of mentions that training had, and of others, beside each other."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tinyglot.evaluation.mentions import RECALL_SEEN, RECALL_UNSEEN
from tinyglot.reports.numbers import DASH
from tinyglot.studies.rows import MULTILINGUAL
from tinyglot.studies.views.blocks import DENSE, Block, blocks, level_order, parts
from tinyglot.studies.views.scores import FEW, FEW_MARK
from tinyglot.studies.views.seeds import average_languages, over_seeds
from tinyglot.studies.views.table import (
    Table,
    by_level,
    language_label,
    n_text,
    points_of,
    seed_text,
    variant_title,
)

METRICS = (RECALL_SEEN, RECALL_UNSEEN)
SAME = ("study", "model", "task", "dataset", "split", "method")
KEYS = ("variant", "level", "sparsity")


def novelty_table(block: Block, rows: pl.DataFrame) -> Table | None:
    """Put recall of mentions seen in training beside that of others, in joint models.

    Args:
        block: Of the main metric.
        rows: Of the whole study.

    Returns:
        A line for each language and variant, ``seen / unseen`` by level; ``None`` where the
        study has no such scores.
    """
    found = [one for one in blocks(rows) if one.key["metric"] in METRICS and _alike(one, block)]
    if not found:
        return None
    whole = pl.concat(one.rows for one in found).filter(setting=MULTILINGUAL, perturbation="none")
    once = (pl.col("level") != DENSE) | (pl.col("variant") == pl.col("variant").min())
    return _table(block, whole, whole.filter(once)) if len(whole) else None


def _alike(one: Block, other: Block) -> bool:
    return all(one.key[name] == other.key[name] for name in SAME)


def _table(block: Block, whole: pl.DataFrame, once: pl.DataFrame) -> Table:
    levels = level_order(whole)
    scores = over_seeds(whole, ["metric", *KEYS, "language"])
    macro = average_languages(whole, ["metric", *KEYS]).with_columns(language=pl.lit(""))
    both = pl.concat([scores, macro.select(scores.columns)])
    body = [
        (_label(tag), _counts(whole, tag), variant_title(names["variant"]), *by_level(own, levels))
        for names, line in parts(both, ("variant",))
        for tag in [*scores["language"].unique().sort(), ""]
        for own in (_cells(block, line.filter(language=tag)),)
    ]
    seeds = seed_text(scores["num_seeds"])
    return Table(
        name="novelty",
        title="Recall of mentions that training had / of others, multilingual, regular",
        caption=(
            f"{block.title}: recall in percentage points, mean of {seeds}; n: mentions of the "
            f"test sentences that training had / others; {FEW_MARK} fewer than {FEW}. "
            "Macro-average: of the languages that have such mentions, each counted once."
        ),
        header=("language", "n", "pruned", *levels),
        rows=tuple(body),
        points=tuple(_points(block, once)),
    )


def _cells(block: Block, rows: pl.DataFrame) -> dict[str, str]:
    values: dict[str, dict[str, str]] = {}
    for row in rows.iter_rows(named=True):
        values.setdefault(row["level"], {})[row["metric"]] = block.scale.points(row["value"])
    return {
        level: " / ".join(own.get(metric, DASH) for metric in METRICS)
        for level, own in values.items()
    }


def _label(tag: str) -> str:
    return language_label(tag) if tag else "macro-average"


def _counts(rows: pl.DataFrame, tag: str) -> str:
    if not tag:
        return ""
    return " / ".join(_count(rows.filter(language=tag, metric=metric)["n"]) for metric in METRICS)


def _count(counts: pl.Series) -> str:
    known = counts.to_list()
    return f"{n_text(known)} {FEW_MARK}" if known and min(known) < FEW else n_text(known)


def _points(block: Block, rows: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    means = over_seeds(rows, ["metric", *KEYS, "language"], "value", pl.col("n").max())
    yield from points_of(block, means.rename({"language": "of"}), quantity="recall")
