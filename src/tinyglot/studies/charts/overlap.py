"""Dense scores against entity overlap, a point a language: the paper's figure 9."""

from collections.abc import Iterator

import polars as pl

from tinyglot.reports.numbers import points as percent
from tinyglot.studies.charts.draw import BLUE, Figure, Look, Record, named_points
from tinyglot.studies.views.blocks import DENSE, Block, parts
from tinyglot.studies.views.correlations import MIN_RANKED
from tinyglot.studies.views.overlap import overlap_scores
from tinyglot.studies.views.table import (
    group_title,
    language_label,
    languages_text,
    seed_text,
    sentences_text,
    table_name,
)


def overlap_figures(block: Block) -> Iterator[Figure]:
    """Draw the dense model's regular scores over the share of mentions seen in training.

    Args:
        block: Rows of a study.

    Yields:
        One figure for each way of training with 3 or more languages.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    scores = overlap_scores(block)
    if scores.is_empty():
        return
    metric = str(block.key["metric"]).upper()
    for names, own in parts(scores.filter(level=DENSE), ("setting", "trained")):
        dense = own.unique("language", maintain_order=True)
        if len(dense) < MIN_RANKED:
            continue
        group = group_title(**names)
        yield Figure(
            name=table_name("overlap", names),
            title=f"Dense {metric} against entity overlap, {group}, {languages_text(len(dense))}",
            caption=(
                f"{block.title}: mean of {seed_text(dense['num_seeds'])} "
                f"({sentences_text(dense['n'], block.key['metric'])}), regular text."
            ),
            spec=named_points(
                _records(block, dense, group),
                Look(f"dense {metric}, {block.scale.unit}", {DENSE: BLUE}),
                "mentions of the scored split seen in training, %",
            ),
        )


def _records(block: Block, dense: pl.DataFrame, panel: str) -> Iterator[Record]:
    for row in dense.sort("language").iter_rows(named=True):
        about = f"{language_label(row['language'])}, n = {row['n']:,}"
        yield {
            "panel": panel,
            "name": row["language"].partition("-")[0],
            "x": 100 * row["entity_overlap"],
            "y": block.scale.factor * row["value"],
            "about": f"{about}, sentences seen {percent(row['train_overlap'])} %",
        }
