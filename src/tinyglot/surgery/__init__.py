"""Pure edits of models: a new model comes back, the given one stays as it was."""

from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.counts import ParameterCounts, count_parameters
from tinyglot.surgery.evaluation_mode import evaluation_mode
from tinyglot.surgery.layers import check_kept_layers, keep_layers
from tinyglot.surgery.reload import verify_reload
from tinyglot.surgery.vocabulary import gather_vocabulary, needed_token_ids, select_rows

__all__ = [
    "ParameterCounts",
    "check_kept_layers",
    "copy_model",
    "count_parameters",
    "evaluation_mode",
    "gather_vocabulary",
    "keep_layers",
    "needed_token_ids",
    "select_rows",
    "verify_reload",
]
