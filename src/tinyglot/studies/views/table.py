"""A table of a study: cells to read, and the numbers behind them to compute with."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tinyglot.evaluation.mentions import RECALL_SEEN, RECALL_UNSEEN
from tinyglot.reports import markdown
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import DASH
from tinyglot.studies.views.blocks import VARIANTS, Block

MEASURED = "this study"
POINT = {
    "table": pl.String,
    "study": pl.String,
    "model": pl.String,
    "method": pl.String,
    "task": pl.String,
    "dataset": pl.String,
    "split": pl.String,
    "metric": pl.String,
    "setting": pl.String,
    "trained": pl.String,
    "perturbation": pl.String,
    "variant": pl.String,
    "level": pl.String,
    "sparsity": pl.Float64,
    "source": pl.String,
    "of": pl.String,
    "quantity": pl.String,
    "value": pl.Float64,
    "half_width": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "standard_deviation": pl.Float64,
    "p_value": pl.Float64,
    "n": pl.Int64,
    "num_seeds": pl.Int64,
    "num_languages": pl.Int64,
    "num_train_sentences": pl.Int64,
    "train_overlap": pl.Float64,
    "entity_overlap": pl.Float64,
}
"""Columns of the numbers behind all tables. ``of`` is a language, a group of them or an average;
``source`` says whose number it is; ``half_width`` is over seeds, ``low`` and ``high`` over
sentences, ``standard_deviation`` over languages."""


@dataclass(frozen=True)
class Table:
    """One table of a study.

    Attributes:
        name: Short, the same for the same kind of table; for files and machines.
        title: What it shows.
        caption: Metric, unit, n, seeds and which intervals.
        header: Headings.
        rows: Cells as text, not escaped.
        points: The numbers, with columns of ``POINT``; those that say nothing are left out.
    """

    name: str
    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: tuple[Mapping[str, Any], ...]

    def markdown(self) -> str:
        """Write title, cells and caption; every string of the data is escaped."""
        head, *body = ([markdown.inline(cell) for cell in row] for row in (self.header, *self.rows))
        parts = (f"### {markdown.inline(self.title)}", markdown.table(head, body))
        return "\n\n".join([*parts, markdown.inline(self.caption)]) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """Give everything as JSON values."""
        numbers = [{key: one[key] for key in POINT if key in one} for one in self.points]
        return {
            "name": self.name,
            "title": self.title,
            "caption": self.caption,
            "header": list(self.header),
            "rows": [list(row) for row in self.rows],
            "points": [{"table": self.name, **one} for one in numbers],
        }


def points_frame(tables: Iterable[Table]) -> pl.DataFrame:
    """Put the numbers of all tables in one, a number a row.

    Args:
        tables: Of a study.

    Returns:
        Columns as in ``POINT``; null where a column says nothing.
    """
    numbers = [{"table": table.name, **one} for table in tables for one in table.points]
    full = [{name: one.get(name) for name in POINT} for one in numbers]
    return pl.DataFrame(full, schema=POINT, orient="row")


def points_of(
    block: Block, rows: pl.DataFrame, **constants: str | None
) -> tuple[dict[str, Any], ...]:
    """Turn the rows of a view into points.

    Args:
        block: Where they come from.
        rows: Their columns that ``POINT`` has are taken.
        **constants: Columns that are the same for all.

    Returns:
        One a row, without what is null.
    """
    chosen = rows.select(name for name in POINT if name in rows.columns)
    shared = {**block.key, "source": MEASURED, **constants}
    whole = ({**shared, **row} for row in chosen.iter_rows(named=True))
    return tuple({key: value for key, value in one.items() if value is not None} for one in whole)


def language_label(tag: str) -> str:
    """Show a language: ``Swahili (swh-Latn)``."""
    name = language_name(tag)
    return tag if name == tag else f"{name} ({tag})"


def group_title(setting: str, trained: str) -> str:
    """Say what was trained on what: ``monolingual``, or ``multilingual (SET)``."""
    return f"{setting} ({trained})" if trained and trained != setting else setting


def perturbation_title(perturbation: str) -> str:
    """Say what was scored: regular text, or text with other mentions."""
    return "regular" if perturbation == "none" else f"perturbed ({perturbation})"


def variant_title(variant: str) -> str:
    """Say whether the embeddings are pruned."""
    return VARIANTS[variant]


def table_name(kind: str, names: Mapping[str, str]) -> str:
    """Name a table or figure after what it shows, in letters that any file system takes."""
    parts = dict.fromkeys([kind, *(value for value in names.values() if value)])
    return re.sub(r"[^A-Za-z0-9=.-]+", "-", "-".join(parts))


def seed_text(counts: Iterable[int]) -> str:
    """Say how many seeds there are: ``3 seeds``, ``1 to 3 seeds``."""
    known = sorted(set(counts))
    if not known:
        return "no seed"
    if len(known) > 1:
        return f"{known[0]} to {known[-1]} seeds"
    return f"{known[0]} seed{'s' * (known[0] != 1)}"


def n_text(counts: Iterable[int]) -> str:
    """Say how many sentences there are a language: ``200``, ``100 to 200``."""
    known = sorted(set(counts))
    shown = [f"{count:,}" for count in (known[0], known[-1])] if known else [DASH]
    return " to ".join(dict.fromkeys(shown))


def scored_unit(metric: str | None) -> str:
    """Say what the scores of a metric are counted over: ``sentences``, or ``mentions``."""
    return "mentions" if metric in (RECALL_SEEN, RECALL_UNSEEN) else "sentences"


def sentences_text(counts: Iterable[int], metric: str | None = None) -> str:
    """Say what each score is of: ``n = 100 to 200 sentences a language``, or mentions."""
    return f"n = {n_text(counts)} {scored_unit(metric)} a language"


def languages_text(count: int) -> str:
    """Say how many languages: ``1 language``, ``8 languages``."""
    return f"{count} language{'s' * (count != 1)}"


def by_level(cells: Mapping[str, str], levels: Sequence[str]) -> tuple[str, ...]:
    """Lay out cells by level; a dash where nothing is known."""
    return tuple(cells.get(level, DASH) for level in levels)
