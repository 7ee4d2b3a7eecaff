"""Models of one language against those of several, by sparsity: the paper's figure 1."""

from collections.abc import Iterator

import polars as pl

from tinyglot.studies.charts.draw import BLUE, ORANGE, Figure, Look, Record, line_panels
from tinyglot.studies.charts.scores import SHOWN, interval_around
from tinyglot.studies.rows import MONOLINGUAL, MULTILINGUAL
from tinyglot.studies.views.blocks import Block, in_charts, parts
from tinyglot.studies.views.differences import beside_monolingual
from tinyglot.studies.views.seeds import average_languages
from tinyglot.studies.views.table import (
    languages_text,
    perturbation_title,
    seed_text,
    sentences_text,
    table_name,
    variant_title,
)

COLOURS = {MULTILINGUAL: BLUE, MONOLINGUAL: ORANGE}
SIDES = {MULTILINGUAL: "value", MONOLINGUAL: "other"}


def training_figures(block: Block) -> Iterator[Figure]:
    """Draw both macro-averages over the languages that have both, a panel a perturbation.

    Args:
        block: Rows of a study.

    Yields:
        One figure for each set trained on jointly.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    shown = pl.col("perturbation").is_in(SHOWN)
    pairs = in_charts(beside_monolingual(block).filter(shown))
    metric = str(block.key["metric"]).upper()
    for names, own in parts(pairs, ("trained",)):
        seeds = own.group_by("level", "variant", "language", "perturbation").agg(pl.len())["len"]
        count = own["language"].n_unique()
        scored = block.rows.filter(pl.col("language").is_in(own["language"].implode()))
        yield Figure(
            name=table_name("training", names),
            title=f"{metric} of monolingual and multilingual models, {languages_text(count)}",
            caption=(
                f"{block.title}: macro-average over the {languages_text(count)} with both, mean "
                f"of {seed_text(seeds)} ({sentences_text(scored['n'], block.key['metric'])}); "
                "bars: 95 % t interval of the mean over seeds."
            ),
            spec=line_panels(_records(block, own), Look(f"{metric}, {block.scale.unit}", COLOURS)),
        )


def _records(block: Block, pairs: pl.DataFrame) -> Iterator[Record]:
    for names, own in parts(pairs, ("perturbation", "variant")):
        panel = f"{perturbation_title(names['perturbation'])}, {variant_title(names['variant'])}"
        for side, column in SIDES.items():
            macro = average_languages(own, ("level", "sparsity"), column)
            for row in macro.iter_rows(named=True):
                yield {
                    "panel": panel,
                    "series": side,
                    "x": 100 * row["sparsity"],
                    "y": block.scale.factor * row[column],
                    **interval_around(row[column], row["half_width"], block.scale),
                    "about": f"{languages_text(row['num_languages'])}, "
                    f"{seed_text([row['num_seeds']])}",
                }
