"""Perturbed scores as a fraction of regular ones by scope and sparsity: the paper's figure 3."""

from collections.abc import Iterator, Mapping

import polars as pl

from tinyglot.studies.charts.draw import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Figure,
    Look,
    Record,
    line_panels,
)
from tinyglot.studies.views.beside import beside_label, paper_fractions
from tinyglot.studies.views.blocks import Block, in_charts, parts
from tinyglot.studies.views.robustness import mean_fractions
from tinyglot.studies.views.table import (
    group_title,
    languages_text,
    sentences_text,
    table_name,
    variant_title,
)

PALETTE = (BLUE, ORANGE, GREEN, AMBER)


def robustness_figures(block: Block) -> Iterator[Figure]:
    """Draw the fraction that is kept, a line a perturbation, a panel a variant.

    Args:
        block: Rows of a study.

    Yields:
        One figure for each way of training.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    metric = str(block.key["metric"]).upper()
    for names, own in parts(in_charts(mean_fractions(block)), ("setting", "trained")):
        records = [*_records(own), *_paper(block, names, own)]
        series = list(dict.fromkeys(record["series"] for record in records))
        ours = [name for name in series if name in set(own["perturbation"])]
        colours = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(ours)}
        colours |= {name: GREY for name in series if name not in colours}
        count = max(own["num_languages"])
        yield Figure(
            name=table_name("robustness", names),
            title=f"Perturbed {metric} as a fraction of regular, {group_title(**names)}",
            caption=(
                f"{block.title}: of means over seeds "
                f"({sentences_text(block.rows.filter(**names)['n'], block.key['metric'])}); "
                f"mean over {languages_text(count)}; band: one standard deviation over them."
            ),
            spec=line_panels(records, Look(f"perturbed / regular {metric}", colours, is_band=True)),
        )


def _records(rows: pl.DataFrame) -> Iterator[Record]:
    for names, own in parts(rows, ("variant", "perturbation")):
        for row in own.iter_rows(named=True):
            yield _record(row, names["variant"], names["perturbation"])


def _paper(block: Block, names: Mapping[str, str], own: pl.DataFrame) -> Iterator[Record]:
    """Give the paper's in-language line where this study has the same perturbation."""
    paper = paper_fractions(block).filter(setting=names["setting"])
    there = pl.col("perturbation").is_in(own["perturbation"].unique().implode())
    for row in paper.filter(there).sort("variant", "sparsity").iter_rows(named=True):
        yield _record(row, row["variant"], f"{row['perturbation']}, {beside_label(block)}")


def _record(row: Mapping[str, float | None], variant: str, series: str) -> Record:
    value, spread = float(row["value"] or 0.0), row["standard_deviation"]
    return {
        "panel": variant_title(variant),
        "series": series,
        "x": 100 * float(row["sparsity"] or 0.0),
        "y": value,
        "low": None if spread is None else value - spread,
        "high": None if spread is None else value + spread,
        "about": languages_text(int(row["num_languages"] or 0)),
    }
