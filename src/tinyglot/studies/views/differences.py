"""Two sides of a study beside each other, language by language and seed by seed."""

import polars as pl

from tinyglot.studies.rows import MONOLINGUAL, MULTILINGUAL
from tinyglot.studies.views.blocks import DENSE, GROUP, LEVEL, Block
from tinyglot.studies.views.seeds import pair

REGULAR = "none"


def beside_dense(block: Block) -> pl.DataFrame:
    """Compare every pruned model with the dense one.

    Args:
        block: Rows of a study.

    Returns:
        As ``pair``, for each way of training, perturbation, level and language; ``other`` is
        the dense score.
    """
    is_dense = pl.col("level") == DENSE
    keys = [*GROUP, "perturbation", "language", *LEVEL]
    dense = block.rows.filter(is_dense).drop("level", "sparsity")
    return pair(block.rows.filter(~is_dense), dense, keys)


def beside_regular(block: Block) -> pl.DataFrame:
    """Compare every perturbed score with the regular one of the same model.

    Args:
        block: Rows of a study.

    Returns:
        As ``pair``, for each way of training, level, language and perturbation; ``other`` is
        the regular score, so that ``ratio`` of ``over_pairs`` is the fraction that is kept.
    """
    is_regular = pl.col("perturbation") == REGULAR
    regular = block.rows.filter(is_regular).drop("perturbation")
    keys = [*GROUP, *LEVEL, "language", "perturbation"]
    return pair(block.rows.filter(~is_regular), regular, keys)


def beside_monolingual(block: Block) -> pl.DataFrame:
    """Compare the models of several languages with those of one.

    Args:
        block: Rows of a study.

    Returns:
        As ``pair``, for each set trained on jointly, level, language and perturbation;
        ``value`` is multilingual, ``other`` monolingual.
    """
    alone = block.rows.filter(setting=MONOLINGUAL).drop("trained", "setting")
    keys = [*GROUP, *LEVEL, "language", "perturbation"]
    return pair(block.rows.filter(setting=MULTILINGUAL), alone, keys)


def beside_embeddings(block: Block) -> pl.DataFrame:
    """Compare models whose embeddings are left whole with those in which they are pruned as well.

    Args:
        block: Rows of a study.

    Returns:
        As ``pair``, for each way of training, sparsity, language and perturbation; ``value`` is
        without, ``other`` with pruned embeddings.
    """
    sparse = block.rows.filter(pl.col("level") != DENSE)
    whole, pruned = (sparse.filter(variant=name) for name in ("exclude", "include"))
    keys = [*GROUP, *LEVEL, "language", "perturbation"]
    return pair(whole, pruned.drop("variant"), keys)
