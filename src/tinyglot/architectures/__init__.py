"""The only place that knows model families; everything else works on an ``EncoderView``."""

from tinyglot.architectures.axes import Axes, Axis, tensor_axes
from tinyglot.architectures.families import check_family, families, stock_shapes, view
from tinyglot.architectures.selected_positions import selected_positions
from tinyglot.architectures.view import EncoderView, Family, StockShapes, VocabularyTensor

__all__ = [
    "Axes",
    "Axis",
    "EncoderView",
    "Family",
    "StockShapes",
    "VocabularyTensor",
    "check_family",
    "families",
    "selected_positions",
    "stock_shapes",
    "tensor_axes",
    "view",
]
