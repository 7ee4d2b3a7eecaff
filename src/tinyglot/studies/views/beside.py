"""The paper's numbers for the cells of a block, where it has them."""

import polars as pl

from tinyglot.studies.paper import paper_label, paper_scores
from tinyglot.studies.rows import MONOLINGUAL
from tinyglot.studies.views.blocks import NO_VARIANT, Block

SAME_DATA = ("panx", "wikiann")
KEYS = ("setting", "perturbation", "variant", "sparsity", "language")


def paper_beside(block: Block) -> pl.DataFrame:
    """List the paper's scores that may stand beside those of a block.

    Args:
        block: Of any task; only F1 of entities on PAN-X is what the paper measured.

    Returns:
        ``setting``, ``perturbation``, ``variant``, ``sparsity``, ``language``, ``value`` and
        ``is_derived``; of single languages. Empty for other tasks, metrics and data.
    """
    variants = block.rows.select(variant=pl.col("variant").unique())
    rows = paper_scores().join(variants, how="cross")
    dense = pl.col("embeddings").is_null()
    same = pl.col("embeddings") == pl.col("variant").replace(NO_VARIANT, "exclude")
    return rows.filter(dense | same, is_same_task(block)).drop("embeddings")


def is_same_task(block: Block) -> bool:
    """Say whether a block measures what the paper did: F1 of entities on PAN-X."""
    key = block.key
    dataset = str(key["dataset"]).lower()
    known = any(name in dataset for name in SAME_DATA)
    return known and (key["task"], key["metric"]) == ("ner", "f1")


def paper_means(block: Block) -> pl.DataFrame:
    """Average the paper's scores over its languages, where it has them all.

    Args:
        block: As for ``paper_beside``.

    Returns:
        ``value`` and ``num_languages`` by setting, perturbation, variant and sparsity.
    """
    alone = paper_beside(block).filter(setting=MONOLINGUAL)
    return alone.group_by(KEYS[:-1], maintain_order=True).agg(
        pl.col("value").mean(), num_languages=pl.len().cast(pl.Int64)
    )


def paper_fractions(block: Block) -> pl.DataFrame:
    """Divide the paper's perturbed scores by its regular ones, language by language.

    Args:
        block: As for ``paper_beside``.

    Returns:
        ``value`` (mean over languages), ``standard_deviation`` and ``num_languages`` by setting,
        perturbation, variant and sparsity.
    """
    scores = paper_beside(block).filter(is_derived=False)
    regular = scores.filter(perturbation="none").drop("perturbation")
    perturbed = scores.filter(pl.col("perturbation") != "none")
    on = [name for name in KEYS if name != "perturbation"]
    pairs = perturbed.join(regular, on=on, suffix="_regular", maintain_order="left")
    ratio = pl.col("value") / pl.col("value_regular")
    return pairs.group_by(KEYS[:-1], maintain_order=True).agg(
        value=ratio.mean(),
        standard_deviation=ratio.std(ddof=1),
        num_languages=pl.len().cast(pl.Int64),
    )


def beside_label(block: Block) -> str:
    """Name the paper and its model, which is another one than the block's where it is."""
    return paper_label(str(block.key["model"]))
