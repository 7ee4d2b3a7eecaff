"""From uneven layers to even ones: heads and neurons of zeros, so that a model is stock."""

from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import (
    Axes,
    Shape,
    nearest_stock_shape,
    tensor_axes,
    view,
)
from tinyglot.architectures.stock import axis_length
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.shapes import settle_shape


def pad_to_stock(model: PreTrainedModel) -> PreTrainedModel:
    """Copy a slim model into the nearest stock shape, filled up with zeros.

    Heads and neurons of zeros add nothing, so the result computes what ``model`` does, and plain
    ``AutoModel`` loads it. ``nearest_stock_shape`` says what that costs. ``model`` is not modified.

    Args:
        model: A model of a supported family, with or without a head.

    Returns:
        A model of an ordinary class; an equal copy of one that is stock already.

    Cost:
        Only what grows is allocated twice.
    """
    encoder = view(model)
    shape = nearest_stock_shape(model, Shape.of(model)).nearest
    parameters = dict(model.named_parameters(remove_duplicate=False))
    padded = {
        parameters[name]: _padded(parameters[name], axes, shape)
        for name, axes in tensor_axes(encoder).items()
        if any(axis is not None and axis.kind in ("heads", "ffn") for axis in axes)
    }
    new = copy_model(model, padded)
    settle_shape(new)
    return new


def _padded(parameter: nn.Parameter, axes: Axes, shape: Shape) -> nn.Parameter:
    """Put a parameter at the beginning of each block of one of zeros."""
    values = parameter.detach()
    for dim, axis in enumerate(axes):
        if axis is not None and axis.kind in ("heads", "ffn"):
            length = axis_length(axis, shape) // axis.blocks
            blocks = values.unflatten(dim, (axis.blocks, -1))
            wide = values.new_zeros((*blocks.shape[: dim + 1], length, *blocks.shape[dim + 2 :]))
            wide.narrow(dim + 1, 0, blocks.shape[dim + 1]).copy_(blocks)
            values = wide.flatten(dim, dim + 1)
    return nn.Parameter(values, requires_grad=parameter.requires_grad)
