"""Training a few new weights in a frozen encoder: low-rank updates, or adapters."""

from tinyglot.training.tuning.options import BottleneckOptions, LoraOptions, Tuning
from tinyglot.training.tuning.prepare import (
    TunedCounts,
    finish_tuning,
    prepare_tuning,
    tuned_counts,
)

__all__ = [
    "BottleneckOptions",
    "LoraOptions",
    "TunedCounts",
    "Tuning",
    "finish_tuning",
    "prepare_tuning",
    "tuned_counts",
]
