"""Which heads, neurons, layers and hidden channels of a model matter; higher means keep."""

from tinyglot.importance.aggregation import (
    Aggregation,
    aggregate_importance,
    normalised,
    normalised_by_layer,
)
from tinyglot.importance.gates import Gates, gated
from tinyglot.importance.losses import Loss, sequence_losses
from tinyglot.importance.measure import DATA_SCORERS, Scorer, measure_importance
from tinyglot.importance.selection import (
    Kept,
    MaskOverlap,
    jaccard,
    mask_overlap,
    rank_correlation,
    select_units,
)
from tinyglot.importance.value import KINDS, Importance, layers_digest

__all__ = [
    "DATA_SCORERS",
    "KINDS",
    "Aggregation",
    "Gates",
    "Importance",
    "Kept",
    "Loss",
    "MaskOverlap",
    "Scorer",
    "aggregate_importance",
    "gated",
    "jaccard",
    "layers_digest",
    "mask_overlap",
    "measure_importance",
    "normalised",
    "normalised_by_layer",
    "rank_correlation",
    "select_units",
    "sequence_losses",
]
