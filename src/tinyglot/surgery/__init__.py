"""Pure edits of models: a new model comes back, the given one stays as it was."""

from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.counts import ParameterCounts, count_parameters
from tinyglot.surgery.evaluation_mode import evaluation_mode
from tinyglot.surgery.layers import check_kept_layers, keep_layers
from tinyglot.surgery.reload import verify_reload
from tinyglot.surgery.structures import Structures, is_stock_shape, keep_structures
from tinyglot.surgery.vocabulary import gather_vocabulary, needed_token_ids, select_rows

__all__ = [
    "ParameterCounts",
    "Structures",
    "check_kept_layers",
    "copy_model",
    "count_parameters",
    "evaluation_mode",
    "gather_vocabulary",
    "is_stock_shape",
    "keep_layers",
    "keep_structures",
    "needed_token_ids",
    "select_rows",
    "verify_reload",
]
