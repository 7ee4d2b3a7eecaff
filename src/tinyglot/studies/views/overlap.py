"""Scores against what of the scored split was seen in training: the paper's figure 9."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tinyglot.reports.numbers import points as percent
from tinyglot.studies.views.blocks import DENSE, Block, level_order, parts
from tinyglot.studies.views.correlations import (
    MIN_RANKED,
    spearman_and_pearson,
    tau_text,
)
from tinyglot.studies.views.differences import REGULAR
from tinyglot.studies.views.scores import language_scores
from tinyglot.studies.views.table import (
    Table,
    by_level,
    group_title,
    language_label,
    points_of,
    seed_text,
    sentences_text,
    table_name,
    variant_title,
)

GROUP = ("setting", "trained")
PART = (*GROUP, "variant")


def overlap_scores(block: Block) -> pl.DataFrame:
    """List regular scores beside entity overlap.

    Args:
        block: Rows of a study.

    Returns:
        As ``language_scores``, with ``setting``, ``trained`` and ``variant``; languages whose
        overlap is not known are left out.
    """
    regular = block.rows.filter(pl.col("perturbation") == REGULAR)
    found = [
        language_scores(part).with_columns(**{name: pl.lit(value) for name, value in names.items()})
        for names, part in parts(regular, PART)
    ]
    return pl.concat(found).drop_nulls("entity_overlap") if found else pl.DataFrame()


def overlap_correlations(block: Block) -> pl.DataFrame:
    """Correlate scores with entity overlap over languages.

    Args:
        block: Rows of a study.

    Returns:
        For each way of training, variant and level: Spearman's and Pearson's correlation with
        their p-values (null for fewer than 3 languages) and ``num_languages``.
    """
    scores = overlap_scores(block)
    if scores.is_empty():
        return pl.DataFrame()
    keys = (*PART, "level", "sparsity")
    found = [
        {
            **part.select(keys).row(0, named=True),
            **spearman_and_pearson(part, "entity_overlap", "value"),
        }
        for _, part in parts(scores, keys)
    ]
    numbers = dict.fromkeys(("spearman", "spearman_p", "pearson", "pearson_p"), pl.Float64)
    return pl.DataFrame(found, schema_overrides=numbers)


def overlap_tables(block: Block) -> Iterator[Table]:
    """Make one table for each way of training: overlap and dense score, and the correlations.

    Args:
        block: Rows of a study.

    Yields:
        Nothing where entity overlap is not known.
    """
    scores, correlations = overlap_scores(block), overlap_correlations(block)
    if scores.is_empty():
        return
    for names, part in parts(scores, GROUP):
        yield _language_table(block, names, part)
        yield _correlation_table(block, names, correlations.filter(**names))


def _language_table(block: Block, names: Mapping[str, str], part: pl.DataFrame) -> Table:
    dense = part.filter(level=DENSE).unique("language", maintain_order=True)
    rows = dense.sort("entity_overlap", "language", descending=[True, False])
    shown = [
        (
            language_label(row["language"]),
            f"{row['n']:,}",
            percent(row["entity_overlap"]),
            percent(row["train_overlap"]),
            block.scale.points(row["value"]),
        )
        for row in rows.iter_rows(named=True)
    ]
    metric = str(block.key["metric"]).upper()
    return Table(
        name=table_name("overlap", names),
        title=f"Dense {metric} against entity overlap, {group_title(**names)}",
        caption=(
            f"{block.title}: mean of {seed_text(rows['num_seeds'])}. Mentions seen: per cent of "
            "the mentions of the scored sentences that are mentions of the training data too; "
            "sentences seen: per cent of the scored sentences that are training sentences."
        ),
        header=("language", "n", "mentions seen, %", "sentences seen, %", f"dense {metric}"),
        rows=tuple(shown),
        points=points_of(block, rows.rename({"language": "of"}), quantity="score"),
    )


def _correlation_table(block: Block, names: Mapping[str, str], rows: pl.DataFrame) -> Table:
    levels = level_order(rows)
    body: list[tuple[str, ...]] = []
    points: list[dict[str, Any]] = []
    for own, line in parts(rows, ("variant",)):
        for kind in ("spearman", "pearson"):
            cells = {row["level"]: _cell(row, kind) for row in line.iter_rows(named=True)}
            body.append((variant_title(own["variant"]), kind.title(), *by_level(cells, levels)))
            values = line.rename({kind: "value", f"{kind}_p": "p_value"})
            points += points_of(block, values, quantity=kind, perturbation=REGULAR)
    metric = str(block.key["metric"]).upper()
    return Table(
        name=table_name("overlap-correlation", names),
        title=f"{metric} and entity overlap correlated, {group_title(**names)}",
        caption=(
            f"{block.title}: over languages, on means over seeds "
            f"({sentences_text(block.rows.filter(**names)['n'], block.key['metric'])}), "
            f"regular text; not computed for fewer than {MIN_RANKED} languages."
        ),
        header=("pruned", "correlation", *levels),
        rows=tuple(body),
        points=tuple(points),
    )


def _cell(row: Mapping[str, Any], kind: str) -> str:
    return tau_text(row[kind], row[f"{kind}_p"], row["num_languages"])
