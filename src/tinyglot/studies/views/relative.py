"""Relative difference to the dense model by training size, family and script: figures 2, 4 to 8."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tinyglot.evaluation.groups import bin_languages, group_languages, group_scores, quantile_edges
from tinyglot.reports.numbers import MINUS
from tinyglot.studies.views.beside import is_same_task
from tinyglot.studies.views.blocks import Block, level_order, parts
from tinyglot.studies.views.differences import beside_dense
from tinyglot.studies.views.seeds import over_pairs
from tinyglot.studies.views.table import (
    Table,
    by_level,
    group_title,
    perturbation_title,
    points_of,
    seed_text,
    sentences_text,
    table_name,
    variant_title,
)
from tinyglot.studies.views.training import train_sizes

PART = ("setting", "trained", "perturbation")
RUN = (*PART, "variant", "level", "sparsity")
GROUPINGS = {"size": "training size", "family": "family", "script": "script"}
MAX_SIZES = 6
MIN_GROUPED = 3
UNKNOWN = "unknown"


def relative_differences(block: Block) -> pl.DataFrame:
    """Divide every language's score by its dense one, both means over the seeds of both.

    Args:
        block: Rows of a study.

    Returns:
        A row for each way of training, perturbation, level and language: ``delta`` with its
        ``half_width`` and ``num_seeds``, and ``relative`` (per cent: 100 x (sparse / dense - 1);
        languages whose dense score is 0 are left out).
    """
    found = over_pairs(beside_dense(block), [*RUN, "language"])
    relative = found.with_columns(relative=100 * (pl.col("ratio") - 1))
    return relative.drop_nulls("relative")


def grouped(block: Block, by: str) -> pl.DataFrame:
    """Average relative differences over the languages of each group.

    Args:
        block: Rows of a study.
        by: ``size``, ``family`` or ``script``.

    Returns:
        As ``group_scores``: ``macro_average`` in per cent, ``standard_deviation`` over languages
        (null for one), ``worst_language``, ``num_languages``; groups in the order in which
        figures show them. Ways of training with fewer than 3 languages are left out.
    """
    groups = groups_of(block, by)
    rows = relative_differences(block).select(*RUN, "language", value="relative", n=pl.lit(1))
    count = pl.col("language").n_unique().over(["setting", "trained"])
    return group_scores(rows.filter(count >= MIN_GROUPED), groups).drop("n")


def groups_of(block: Block, by: str) -> dict[str, str]:
    """Name the group of every language of a block.

    Args:
        block: Rows of a study.
        by: ``size``, ``family`` or ``script``.

    Returns:
        Groups by language; of sizes every number that occurs, if there are no more than 6 of
        them, else 6 bins of about as many languages each.
    """
    tags = block.rows["language"].unique().sort().to_list()
    if by != "size":
        return group_languages(tags, by)
    sizes = dict(sorted(train_sizes(block.rows).items(), key=lambda pair: pair[1]))
    if len(set(sizes.values())) <= MAX_SIZES:
        named = {tag: f"{size:,} sentences" for tag, size in sizes.items()}
    else:
        edges = quantile_edges(sizes, MAX_SIZES)
        named = {tag: f"{name} sentences" for tag, name in bin_languages(sizes, edges).items()}
    return named | {tag: UNKNOWN for tag in tags if tag not in named}


def relative_tables(block: Block) -> Iterator[Table]:
    """Make a table for each grouping, way of training and perturbation.

    Args:
        block: Rows of a study.

    Yields:
        Groups as rows, each without and with pruned embeddings.
    """
    for by in GROUPINGS:
        for names, rows in parts(grouped(block, by), PART):
            yield _table(block, rows, names, by)


# --- cells --------------------------------------------------------------------------------------


def _table(block: Block, rows: pl.DataFrame, names: Mapping[str, str], by: str) -> Table:
    levels = level_order(rows)
    body = []
    for group in rows["group"].unique(maintain_order=True):
        for own, line in parts(rows.filter(group=group), ("variant",)):
            cells = {row["level"]: _cell(row) for row in line.iter_rows(named=True)}
            count = str(line["num_languages"].max())
            body.append((group, count, variant_title(own["variant"]), *by_level(cells, levels)))
    points = rows.rename({"macro_average": "value", "group": "of"})
    return Table(
        name=table_name(f"relative-by-{by}", names),
        title=f"{_title(block, names)} by {GROUPINGS[by]}",
        caption=_caption(block, names),
        header=(GROUPINGS[by], "languages", "pruned", *levels),
        rows=tuple(body),
        points=points_of(block, points, quantity="relative_difference_percent"),
    )


def _cell(row: Mapping[str, Any]) -> str:
    value, spread = row["macro_average"], row["standard_deviation"]
    sign = "+" if round(value, 1) > 0 else MINUS if round(value, 1) < 0 else ""
    text = f"{sign}{abs(value):.1f}"
    return text if spread is None else f"{text} (sd {spread:.1f})"


def _title(block: Block, names: Mapping[str, str]) -> str:
    group = group_title(names["setting"], names["trained"])
    metric = str(block.key["metric"]).upper()
    return f"Relative difference of {metric}, {group}, {perturbation_title(names['perturbation'])}"


def _caption(block: Block, names: Mapping[str, str]) -> str:
    own = block.rows.filter(**names)
    seeds = own.group_by("level", "variant", "language").agg(pl.len())["len"]
    figures = " The paper gives these as figures only." if is_same_task(block) else ""
    return (
        f"{block.title}: {block.key['metric']} of the pruned model / that of the dense one - 1, in "
        f"per cent, of means over {seed_text(seeds)} "
        f"({sentences_text(own['n'], block.key['metric'])}); mean over the languages of the group, "
        f"each counted once, and their standard deviation (sd; none for one language).{figures}"
    )
