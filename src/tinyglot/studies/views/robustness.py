"""What is left of a score on perturbed text, by scope and sparsity: the paper's figure 3."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from tinyglot.studies.views.beside import beside_label, paper_fractions
from tinyglot.studies.views.blocks import Block, level_order, parts
from tinyglot.studies.views.differences import beside_regular
from tinyglot.studies.views.seeds import over_pairs
from tinyglot.studies.views.table import (
    Table,
    by_level,
    group_title,
    points_of,
    seed_text,
    sentences_text,
    table_name,
    variant_title,
)

GROUP = ("setting", "trained")
RUN = (*GROUP, "perturbation", "variant", "level", "sparsity")


def fractions(block: Block) -> pl.DataFrame:
    """Divide every language's perturbed score by its regular one, both means over seeds.

    Args:
        block: Rows of a study.

    Returns:
        A row for each way of training, perturbation, level and language: ``value`` (perturbed),
        ``other`` (regular), ``delta`` and ``ratio``; languages whose regular score is 0 are left
        out.
    """
    return over_pairs(beside_regular(block), [*RUN, "language"]).drop_nulls("ratio")


def mean_fractions(block: Block) -> pl.DataFrame:
    """Average the fractions over languages, each counted once.

    Args:
        block: Rows of a study.

    Returns:
        ``value``, ``standard_deviation`` over languages (null for one), ``num_languages`` and
        ``num_seeds`` (the fewest) for each way of training, perturbation and level.
    """
    return (
        fractions(block)
        .group_by(RUN, maintain_order=True)
        .agg(
            value=pl.col("ratio").mean(),
            standard_deviation=pl.col("ratio").std(ddof=1),
            num_languages=pl.len().cast(pl.Int64),
            num_seeds=pl.col("num_seeds").min(),
        )
    )


def robustness_tables(block: Block) -> Iterator[Table]:
    """Make one table for each way of training.

    Args:
        block: Rows of a study.

    Yields:
        Perturbations as rows, each without and with pruned embeddings; under them the paper's.
    """
    for names, rows in parts(mean_fractions(block), GROUP):
        yield _table(block, names, rows)


def _table(block: Block, names: Mapping[str, str], rows: pl.DataFrame) -> Table:
    levels = level_order(rows)
    body: list[tuple[str, ...]] = []
    paper_points: list[dict[str, Any]] = []
    for own, line in parts(rows, ("perturbation", "variant")):
        cells = {row["level"]: _cell(row) for row in line.iter_rows(named=True)}
        count = str(line["num_languages"].max())
        title = variant_title(own["variant"])
        body.append((own["perturbation"], title, count, *by_level(cells, levels)))
        paper = _paper(block, {"setting": names["setting"], **own}, levels=rows)
        body += _paper_line(block, paper, levels)
        paper_points += points_of(
            block, paper, source=beside_label(block), quantity="fraction_of_regular"
        )
    measured = points_of(block, rows, quantity="fraction_of_regular", of="macro-average")
    return Table(
        name=table_name("robustness", names),
        title=_title(block, names),
        caption=_caption(block, names, rows),
        header=("perturbation", "pruned", "languages", *levels),
        rows=tuple(body),
        points=(*measured, *({**one, "of": "macro-average"} for one in paper_points)),
    )


def _paper(block: Block, place: Mapping[str, str], levels: pl.DataFrame) -> pl.DataFrame:
    known = levels.select("sparsity", "level").unique()
    return paper_fractions(block).filter(**place).join(known, on="sparsity", maintain_order="left")


def _paper_line(
    block: Block, paper: pl.DataFrame, levels: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    if not paper.is_empty():
        cells = {row["level"]: _cell(row) for row in paper.iter_rows(named=True)}
        count = str(paper["num_languages"].max())
        yield (f"↳ {beside_label(block)}", "", count, *by_level(cells, levels))


def _cell(row: Mapping[str, Any]) -> str:
    spread = row["standard_deviation"]
    text = f"{row['value']:.3f}"
    return text if spread is None else f"{text} (sd {spread:.3f})"


def _title(block: Block, names: Mapping[str, str]) -> str:
    group = group_title(names["setting"], names["trained"])
    return f"Perturbed {str(block.key['metric']).upper()} as a fraction of regular, {group}"


def _caption(block: Block, names: Mapping[str, str], rows: pl.DataFrame) -> str:
    scored = sentences_text(block.rows.filter(**names)["n"], block.key["metric"])
    return (
        f"{block.title}: {block.key['metric']} on perturbed text / on regular text, of means over "
        f"{seed_text(rows['num_seeds'])} ({scored}); mean over "
        "languages, each counted once, and their standard deviation (sd; none for one language)."
    )
