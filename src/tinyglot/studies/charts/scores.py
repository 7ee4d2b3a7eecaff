"""Scores of each language by sparsity, without and with pruned embeddings."""

from collections.abc import Iterator, Mapping

import polars as pl

from tinyglot.reports.names import language_name
from tinyglot.reports.scale import Scale
from tinyglot.studies.charts.draw import BLUE, GREY, ORANGE, Figure, Look, Record, line_panels
from tinyglot.studies.views.blocks import VARIANTS, Block, in_charts, parts
from tinyglot.studies.views.scores import language_scores
from tinyglot.studies.views.table import (
    group_title,
    perturbation_title,
    seed_text,
    sentences_text,
    table_name,
)

PART = ("setting", "trained", "perturbation")
COLOURS = dict(zip(VARIANTS.values(), (BLUE, ORANGE, GREY), strict=True))
SHOWN = ("none", "in-language")


def score_figures(block: Block) -> Iterator[Figure]:
    """Draw regular and in-language perturbed scores, a panel a language.

    Args:
        block: Rows of a study.

    Yields:
        One figure for each way of training and perturbation.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    rows = in_charts(block.rows.filter(pl.col("perturbation").is_in(SHOWN)))
    metric = str(block.key["metric"])
    for names, own in parts(rows, PART):
        records = [one for variant in parts(own, ("variant",)) for one in _records(block, *variant)]
        group = group_title(names["setting"], names["trained"])
        seeds = own.group_by("level", "variant", "language").agg(pl.len())["len"]
        yield Figure(
            name=table_name("scores", names),
            title=f"{metric.upper()} by sparsity, {group}, "
            f"{perturbation_title(names['perturbation'])}",
            caption=(
                f"{block.title}: mean of {seed_text(seeds)} "
                f"({sentences_text(own['n'], block.key['metric'])}); bars: 95 % t interval of the "
                "mean over seeds. Fewest training sentences first."
            ),
            spec=line_panels(
                sorted(records, key=lambda record: record["order"]),
                Look(f"{metric.upper()}, {block.scale.unit}", variant_colours(own)),
            ),
        )


def variant_colours(rows: pl.DataFrame) -> dict[str, str]:
    """Give the colour of each variant that is there."""
    there = {VARIANTS[name] for name in rows["variant"].unique()}
    return {title: colour for title, colour in COLOURS.items() if title in there}


def interval_around(
    value: float, half_width: float | None, scale: Scale
) -> dict[str, float | None]:
    """Give both ends of an interval over seeds as they are shown; nothing for one seed."""
    if half_width is None:
        return {"low": None, "high": None}
    return {"low": scale.factor * (value - half_width), "high": scale.factor * (value + half_width)}


def _records(block: Block, names: Mapping[str, str], part: pl.DataFrame) -> Iterator[Record]:
    for row in language_scores(part).iter_rows(named=True):
        size = row["num_train_sentences"]
        known = "" if size is None else f", {size:,} sentences"
        yield {
            "order": (size is None, size, row["language"]),
            "panel": f"{language_name(row['language'])}{known}",
            "series": VARIANTS[names["variant"]],
            "x": 100 * row["sparsity"],
            "y": block.scale.factor * row["value"],
            **interval_around(row["value"], row["half_width"], block.scale),
            "about": f"{seed_text([row['num_seeds']])}, n = {row['n']:,}",
        }
