"""Scores per language by sparsity, regular and perturbed: the paper's tables 2 to 9."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tinyglot.reports.numbers import points as percent
from tinyglot.reports.scale import Scale
from tinyglot.studies.rows import MULTILINGUAL
from tinyglot.studies.views.beside import beside_label, paper_beside, paper_means
from tinyglot.studies.views.blocks import Block, parts
from tinyglot.studies.views.seeds import INTERVALS, average_languages, over_seeds
from tinyglot.studies.views.table import (
    Table,
    by_level,
    group_title,
    language_label,
    languages_text,
    n_text,
    perturbation_title,
    points_of,
    scored_unit,
    seed_text,
    table_name,
    variant_title,
)

PART = ("setting", "trained", "perturbation", "variant")
KEYS = ("level", "sparsity")
FEW, FEW_MARK = 10, "†"
FACTS = "trained on: sentences of the language in the training data; seen: "
FACTS += "per cent of the scored sentences (of perturbed ones: before they were) that are in the "
FACTS += "training data"


def score_tables(block: Block) -> Iterator[Table]:
    """Make one table for each way of training, perturbation and variant.

    Args:
        block: Rows of a study.

    Yields:
        Languages by number of training sentences; macro-average, median and worst language below
        them; under each the paper's number where it is known.
    """
    for names, part in parts(block.rows, PART):
        yield _table(block, part, names)


def language_scores(part: pl.DataFrame) -> pl.DataFrame:
    """Average each language's scores over seeds.

    Args:
        part: Rows of one way of training, perturbation and variant.

    Returns:
        A row for each level and language, with ``low`` and ``high`` over sentences and what is
        known of the language; fewest training sentences first.
    """
    about = ("num_train_sentences", "train_overlap", "entity_overlap")
    found = over_seeds(
        part,
        [*KEYS, "language"],
        "value",
        pl.col("low").min(),
        pl.col("high").max(),
        pl.col("n").max(),
        *(pl.col(name).mean() for name in about),
    ).with_columns(pl.col("num_train_sentences").round().cast(pl.Int64))
    return found.sort("num_train_sentences", "language", "sparsity", nulls_last=True)


def language_facts(rows: pl.DataFrame) -> pl.DataFrame:
    """Say of each language how much of it was scored, trained on, and seen already.

    Args:
        rows: Of a block; where cells differ, those trained on most languages count.

    Returns:
        ``language``, ``n``, ``num_train_sentences``, ``train_overlap`` and ``entity_overlap``
        (means over seeds); fewest training sentences first.
    """
    joint = pl.col("setting") == MULTILINGUAL
    kept = rows.filter(joint | ~joint.any().over("language"))
    found = kept.group_by("language", maintain_order=True).agg(
        pl.col("n").max(),
        pl.col("num_train_sentences").max(),
        pl.col("train_overlap").mean(),
        pl.col("entity_overlap").mean(),
    )
    return found.sort("num_train_sentences", "language", nulls_last=True)


def summaries(part: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """Bring the languages of each level together.

    Args:
        part: Rows of one way of training, perturbation and variant.
        scale: Says which score is the worst.

    Returns:
        Rows with ``of`` (``macro-average``, ``median``, ``worst language``), ``value``,
        ``half_width`` and ``num_seeds`` of the macro-average, and ``language`` of the worst.
    """
    means = over_seeds(part, [*KEYS, "language"]).sort("language")
    macro = average_languages(part, KEYS).with_columns(of=pl.lit("macro-average"))
    by_level = means.group_by(KEYS, maintain_order=True)
    count = pl.len().cast(pl.Int64)
    median = by_level.agg(pl.col("value").median(), num_languages=count)
    worst = means.sort("value", descending=not scale.higher_is_better, maintain_order=True)
    lowest = worst.group_by(KEYS, maintain_order=True).agg(
        pl.col("value").first(), pl.col("language").first(), num_languages=count
    )
    others = (
        median.with_columns(of=pl.lit("median")),
        lowest.with_columns(of=pl.lit("worst language")),
    )
    return pl.concat([macro, *others], how="diagonal")


# --- cells --------------------------------------------------------------------------------------


def _table(block: Block, part: pl.DataFrame, names: Mapping[str, str]) -> Table:
    scores, whole = language_scores(part), summaries(part, block.scale)
    usual = max(scores["num_seeds"])
    lines = _Lines(block, usual, names)
    body = [
        line
        for tag in scores["language"].unique(maintain_order=True)
        for line in lines.of_language(scores.filter(language=tag))
    ]
    body += lines.of_all(whole)
    regular = points_of(block, scores.rename({"language": "of"}), quantity="score", **names)
    below = points_of(block, whole.drop("language"), quantity="score", **names)
    return Table(
        name=table_name("scores", names),
        title=_title(block, names),
        caption=_caption(block, scores),
        header=("language", "n", "trained on", "seen, %", *block.levels),
        rows=tuple(body),
        points=(*regular, *below, *lines.points()),
    )


def _title(block: Block, names: Mapping[str, str]) -> str:
    metric = str(block.key["metric"]).upper()
    words = (
        group_title(names["setting"], names["trained"]),
        perturbation_title(names["perturbation"]),
        variant_title(names["variant"]),
    )
    return f"{metric}, {', '.join(words)}"


def _caption(block: Block, scores: pl.DataFrame) -> str:
    seeds = seed_text(scores["num_seeds"])
    few = f"; {FEW_MARK} fewer than {FEW}" if min(scores["n"].to_list()) < FEW else ""
    return (
        f"{block.title}: {block.key['metric']} in {block.scale.unit}, mean of {seeds}. "
        f"{INTERVALS}. n: {scored_unit(block.key['metric'])} scored{few}; {FACTS} "
        f"(n = {n_text(scores['n'])}; {languages_text(scores['language'].n_unique())}). "
        "Fewest training sentences first."
    )


class _Lines:
    """The lines of one table, those of the paper under ours."""

    def __init__(self, block: Block, usual_seeds: int, names: Mapping[str, str]) -> None:
        self.block, self.usual, self.names = block, usual_seeds, names
        place = {key: names[key] for key in ("setting", "perturbation", "variant")}
        levels = block.rows.select("sparsity", "level").unique()
        ours = levels.filter((pl.col("sparsity") > 0) | (pl.col("level") == "dense"))
        self.paper = paper_beside(block).filter(**place).join(ours, on="sparsity")
        self.paper_means = paper_means(block).filter(**place).join(ours, on="sparsity")
        self.label = f"↳ {beside_label(block)}"

    def of_language(self, scores: pl.DataFrame) -> Iterator[tuple[str, ...]]:
        tag = scores["language"][0]
        cells = {row["level"]: self._cell(row) for row in scores.iter_rows(named=True)}
        about = scores.row(0, named=True)
        mark = f" {FEW_MARK}" if about["n"] < FEW else ""
        facts = (f"{about['n']:,}{mark}", _count(about["num_train_sentences"]))
        yield (
            language_label(tag),
            *facts,
            percent(about["train_overlap"]),
            *by_level(cells, self.block.levels),
        )
        yield from self._of_paper(self.paper.filter(language=tag))

    def of_all(self, whole: pl.DataFrame) -> Iterator[tuple[str, ...]]:
        several = max(whole["num_languages"]) > 1
        for name in ("macro-average", "median", "worst language") if several else ():
            rows = whole.filter(of=name).iter_rows(named=True)
            cells = {row["level"]: self._cell(row) for row in rows}
            yield (name, "", "", "", *by_level(cells, self.block.levels))
            if name == "macro-average":
                yield from self._of_paper(self.paper_means)
        counts = whole.filter(of="median")
        cells = {
            level: str(count) for level, count in counts.select("level", "num_languages").rows()
        }
        yield ("languages", "", "", "", *by_level(cells, self.block.levels))

    def points(self) -> tuple[dict[str, Any], ...]:
        shared = {"source": self.label.removeprefix("↳ "), "quantity": "score", **self.names}
        single = self.paper.filter(pl.col("language").is_in(self.block.rows["language"].implode()))
        means = self.paper_means.with_columns(language=pl.lit("macro-average"))
        return tuple(
            point
            for rows in (single, means)
            for point in points_of(self.block, rows.rename({"language": "of"}), **shared)
        )

    def _cell(self, row: Mapping[str, Any]) -> str:
        scale = self.block.scale
        text = scale.points(row["value"])
        if row.get("half_width") is not None:
            text += f" ± {scale.points(row['half_width'])}"
        if row.get("low") is not None:
            text += f" ({scale.interval(row['low'], row['high'])})"
        if row.get("language") and row.get("of"):
            text += f" {row['language']}"
        few = row.get("num_seeds") not in (None, self.usual)
        return f"{text}; {seed_text([row['num_seeds']])}" if few else text

    def _of_paper(self, rows: pl.DataFrame) -> Iterator[tuple[str, ...]]:
        if not rows.is_empty():
            cells = {row["level"]: self._paper_cell(row) for row in rows.iter_rows(named=True)}
            languages = rows.row(0, named=True).get("num_languages")
            label = f"{self.label}; {languages_text(languages)}" if languages else self.label
            yield (label, "", "", "", *by_level(cells, self.block.levels))

    def _paper_cell(self, row: Mapping[str, Any]) -> str:
        about = "about " if row.get("is_derived") else ""
        return about + self.block.scale.points(row["value"])


def _count(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
