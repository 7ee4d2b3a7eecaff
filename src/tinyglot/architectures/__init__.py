"""The only place that knows model families; everything else works on an ``EncoderView``."""

from tinyglot.architectures.axes import Axes, Axis, check_no_adapters, tensor_axes
from tinyglot.architectures.families import check_family, families, view
from tinyglot.architectures.head_alone import lm_head_parameters, lm_logits
from tinyglot.architectures.selected_positions import selected_positions
from tinyglot.architectures.stock import (
    Shape,
    StockProjection,
    StockShapes,
    nearest_stock_shape,
    stock_shapes,
)
from tinyglot.architectures.view import EncoderView, Family, VocabularyTensor

__all__ = [
    "Axes",
    "Axis",
    "EncoderView",
    "Family",
    "Shape",
    "StockProjection",
    "StockShapes",
    "VocabularyTensor",
    "check_family",
    "check_no_adapters",
    "families",
    "lm_head_parameters",
    "lm_logits",
    "nearest_stock_shape",
    "selected_positions",
    "stock_shapes",
    "tensor_axes",
    "view",
]
