"""Giving a model's heads, neurons and hidden channels another order while it is trained."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, EncoderView, tensor_axes, view
from tinyglot.surgery.structures import Structures, axis_positions


@torch.no_grad()
def reorder_(model: PreTrainedModel, order: Structures, optimizer: Any = None) -> None:  # noqa: ANN401
    """Permute heads, neurons and hidden channels in place, and what an optimizer knows of them.

    The model computes the same as before. Head ``i`` of layer ``l`` is the former head
    ``order.heads[l][i]``, and so on.

    Args:
        model: A model of a supported family; changed.
        order: Every head, neuron and channel of the model once.
        optimizer: A torch optimizer, or a wrapper around one; its moments are permuted too.
    """
    encoder = view(model)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    state = getattr(optimizer, "state", {})
    done: set[int] = set()
    for name, axes in tensor_axes(encoder).items():
        parameter = parameters[name]
        if id(parameter) in done:
            continue
        done.add(id(parameter))
        moments = state.get(parameter, {}).values() if parameter in state else ()
        for tensor in (parameter, *moments):
            if isinstance(tensor, Tensor) and tensor.shape == parameter.shape:
                tensor.copy_(_permuted(tensor, axes, encoder, order))


def _permuted(tensor: Tensor, axes: Axes, encoder: EncoderView, order: Structures) -> Tensor:
    for dim, axis in enumerate(axes):
        if axis is not None and axis.kind != "embedding":
            positions = axis_positions(encoder, axis, order)
            if not torch.equal(positions, torch.arange(len(positions))):
                tensor = tensor.index_select(dim, positions.to(tensor.device))
    return tensor
