"""Pure edits of models: a new model comes back, the given one stays as it was."""

from tinyglot.surgery.copies import copy_model, on_device
from tinyglot.surgery.counts import ParameterCounts, count_parameters
from tinyglot.surgery.evaluation_mode import evaluation_mode
from tinyglot.surgery.heads import HeadMaps, narrow_heads
from tinyglot.surgery.layers import check_kept_layers, keep_layers, reinitialise_layers
from tinyglot.surgery.padding import pad_to_stock
from tinyglot.surgery.projection import absorb_norm_gains, project_hidden
from tinyglot.surgery.reload import verify_reload
from tinyglot.surgery.shapes import is_stock_shape, settle_shape
from tinyglot.surgery.structures import Structures, keep_structures
from tinyglot.surgery.subnetworks import (
    Cut,
    Subnetworks,
    SubnetworkShape,
    cut_to,
    cuts_of,
    without_values,
)
from tinyglot.surgery.vocabulary import gather_vocabulary, needed_token_ids, select_rows
from tinyglot.surgery.width import (
    check_narrowed_heads,
    check_same_layers,
    check_width,
    truncate_hidden,
)

__all__ = [
    "Cut",
    "HeadMaps",
    "ParameterCounts",
    "Structures",
    "SubnetworkShape",
    "Subnetworks",
    "absorb_norm_gains",
    "check_kept_layers",
    "check_narrowed_heads",
    "check_same_layers",
    "check_width",
    "copy_model",
    "count_parameters",
    "cut_to",
    "cuts_of",
    "evaluation_mode",
    "gather_vocabulary",
    "is_stock_shape",
    "keep_layers",
    "keep_structures",
    "narrow_heads",
    "needed_token_ids",
    "on_device",
    "pad_to_stock",
    "project_hidden",
    "reinitialise_layers",
    "select_rows",
    "settle_shape",
    "truncate_hidden",
    "verify_reload",
    "without_values",
]
