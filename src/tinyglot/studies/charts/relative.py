"""Relative difference to the dense model by group of languages: the paper's figures 2, 4 to 8."""

from collections.abc import Iterator

import polars as pl

from tinyglot.studies.charts.draw import Figure, Look, Record, line_panels
from tinyglot.studies.charts.scores import SHOWN, variant_colours
from tinyglot.studies.views.blocks import VARIANTS, Block, in_charts, parts
from tinyglot.studies.views.relative import GROUPINGS, grouped
from tinyglot.studies.views.table import (
    group_title,
    languages_text,
    perturbation_title,
    sentences_text,
    table_name,
)

PART = ("setting", "trained", "perturbation")


def relative_figures(block: Block) -> Iterator[Figure]:
    """Draw relative differences by training size, family and script, a panel a group.

    Args:
        block: Rows of a study.

    Yields:
        One figure for each grouping, way of training and perturbation.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    metric = str(block.key["metric"]).upper()
    for by, title in GROUPINGS.items():
        rows = in_charts(grouped(block, by)).filter(pl.col("perturbation").is_in(SHOWN))
        for names, own in parts(rows, PART):
            group = group_title(names["setting"], names["trained"])
            n = sentences_text(block.rows.filter(**names)["n"], block.key["metric"])
            yield Figure(
                name=table_name(f"relative-by-{by}", names),
                title=f"Relative difference of {metric} by {title}, {group}, "
                f"{perturbation_title(names['perturbation'])}",
                caption=(
                    f"{block.title}: pruned / dense - 1, of means over seeds ({n}); mean over the "
                    "languages of a group; band: one standard deviation over these languages "
                    "(none for one language)."
                ),
                spec=line_panels(
                    _records(own),
                    Look(f"relative difference of {metric}, %", variant_colours(own), is_band=True),
                ),
            )


def _records(rows: pl.DataFrame) -> Iterator[Record]:
    largest = dict(rows.group_by("group").agg(pl.col("num_languages").max()).iter_rows())
    for row in rows.iter_rows(named=True):
        spread, value = row["standard_deviation"], row["macro_average"]
        yield {
            "panel": f"{row['group']} (n = {languages_text(largest[row['group']])})",
            "series": VARIANTS[row["variant"]],
            "x": 100 * row["sparsity"],
            "y": value,
            "low": None if spread is None else value - spread,
            "high": None if spread is None else value + spread,
            "about": f"{languages_text(row['num_languages'])}, worst {row['worst_language']}",
        }
