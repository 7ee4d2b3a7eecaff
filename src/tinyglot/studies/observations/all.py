"""O1 to O6 of one block."""

from dataclasses import replace

import polars as pl

from tinyglot.studies.observations.overlap import seen_mentions
from tinyglot.studies.observations.pruning import heavy_pruning, mild_pruning
from tinyglot.studies.observations.robustness import perturbed_mentions, pruned_embeddings
from tinyglot.studies.observations.training import joint_training
from tinyglot.studies.observations.verdicts import Observation
from tinyglot.studies.rows import MULTILINGUAL
from tinyglot.studies.views.blocks import Block

OBSERVATIONS = (
    joint_training,
    mild_pruning,
    heavy_pruning,
    perturbed_mentions,
    pruned_embeddings,
    seen_mentions,
)


def observe(block: Block) -> tuple[Observation, ...]:
    """Judge what the paper observed by the rows of a study.

    Of several sets trained on jointly, the one with the most languages counts.

    Args:
        block: Rows of one model, method, task, data set, split and metric.

    Returns:
        O1 to O6, each with criteria, numbers and verdicts.
    """
    one_set = _largest_set(block)
    return tuple(judge(one_set) for judge in OBSERVATIONS)


def _largest_set(block: Block) -> Block:
    joint = pl.col("setting") == MULTILINGUAL
    sizes = block.rows.filter(joint).group_by("trained").agg(pl.col("language").n_unique())
    ordered = sizes.sort("language", "trained", descending=[True, False])["trained"]
    return replace(
        block, rows=block.rows.filter(~joint | pl.col("trained").is_in(ordered[:1].implode()))
    )
