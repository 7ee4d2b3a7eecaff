"""Giving a model's heads, neurons and hidden channels another order while it is trained."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, EncoderView, tensor_axes, view
from tinyglot.errors import UnsupportedArchitectureError
from tinyglot.surgery.structures import Structures, axis_positions


@torch.no_grad()
def reorder_(model: PreTrainedModel, order: Structures, optimizer: Any = None) -> None:  # noqa: ANN401
    """Permute heads, neurons and hidden channels in place, and what an optimizer knows of them.

    The model computes the same as before. Head ``i`` of layer ``l`` is the former head
    ``order.heads[l][i]``, and so on.

    Args:
        model: A model of a supported family; changed.
        order: Every head, neuron and channel of the model once.
        optimizer: A torch optimizer, or a wrapper around one; its moments are permuted too, also
            the sums over rows and columns that Adafactor keeps.

    Raises:
        UnsupportedArchitectureError: If the optimizer keeps something in another form, such as
            moments in blocks of 8 bits; nothing is changed then.
    """
    encoder = view(model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    state = getattr(optimizer, "state", {})
    found: dict[int, tuple[Tensor, Axes]] = {}
    for name, axes in tensor_axes(encoder).items():
        parameter = parameters[name]
        moments = state.get(parameter, {}) if parameter in state else {}
        found[id(parameter)] = (parameter, axes)
        for key, tensor in moments.items():
            if isinstance(tensor, Tensor) and tensor.numel() > 1:
                found[id(tensor)] = (tensor, _moment_axes(key, tensor, parameter, axes))
    for tensor, axes in found.values():
        tensor.copy_(_permuted(tensor, axes, encoder, order))


def _moment_axes(key: str, tensor: Tensor, parameter: Tensor, axes: Axes) -> Axes:
    """Say what the dimensions of something run over that an optimizer knows of a parameter."""
    shape, size = tuple(parameter.shape), tuple(tensor.shape)
    if size == shape:
        return axes
    if key.endswith("row") and size == shape[:-1]:
        return axes[:-1]
    if key.endswith("col") and size == (*shape[:-2], shape[-1]):
        return (*axes[:-2], axes[-1])
    if len(size) == len(shape) and all(n in (1, m) for n, m in zip(size, shape, strict=True)):
        return tuple(axis if n > 1 else None for axis, n in zip(axes, size, strict=True))
    raise UnsupportedArchitectureError(
        "Could not put the model in order: the optimizer's moments have a form of their own.",
        got=f"{key} of shape {size} for a parameter of shape {shape}",
        expected="moments of the parameter's shape, or of its rows and columns",
        fix="train with AdamW (optim: adamw_torch)",
    )


def _permuted(tensor: Tensor, axes: Axes, encoder: EncoderView, order: Structures) -> Tensor:
    for dim, axis in enumerate(axes):
        if axis is not None and axis.kind != "embedding":
            positions = axis_positions(encoder, axis, order)
            if not torch.equal(positions, torch.arange(len(positions))):
                tensor = tensor.index_select(dim, positions.to(tensor.device))
    return tensor
