"""Giving every attention head fewer channels of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, view
from tinyglot.surgery.width import with_tensors

_QUERIES, _KEYS = ("query", "position_query"), ("key", "position_key")


@dataclass(frozen=True, eq=False)
class HeadMaps:
    """How the channels of the heads of one layer become fewer.

    Attributes:
        queries: Shape (heads, new, old): what a head's new query channels are of the old.
        keys: The same for keys.
        values: The same for values.
        outputs: Shape (heads, old, new): what the old channels of a head's result are of the new.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    outputs: Tensor


@torch.no_grad()
def narrow_heads(model: PreTrainedModel, maps: Sequence[HeadMaps]) -> PreTrainedModel:
    """Copy a model whose heads have fewer channels; their number and the hidden size stay.

    Attention weights are those of the new queries and keys times the same factor as before, so
    they are the old ones where the maps keep the products of queries and keys.

    Args:
        model: A model of a supported family without rotary positions or fused matrices.
        maps: One entry a layer.

    Returns:
        A model whose heads do not fill its hidden size: of no use before that is reduced, too.
    """
    new_dim, old_dim = maps[0].queries.shape[1:]
    # the new model divides by the root of the new size
    scale = math.sqrt(new_dim / old_dim)
    by_name: dict[str, Tensor] = {}
    paths = {module: path for path, module in model.named_modules()}
    for roles, own in zip(view(model).linear_modules(), maps, strict=True):
        wanted = {
            **dict.fromkeys(_QUERIES, own.queries * scale),
            **dict.fromkeys(_KEYS, own.keys),
            "value": own.values,
            "attention_output": own.outputs.mT,
        }
        by_name |= {paths[roles[role]]: matrix for role, matrix in wanted.items() if role in roles}

    def change(name: str, parameter: nn.Parameter, axes: Axes) -> Tensor:
        matrix = by_name.get(name.rpartition(".")[0])
        dims = [i for i, axis in enumerate(axes) if axis is not None and axis.kind == "heads"]
        if matrix is None or not dims:
            return parameter.detach()
        return _mapped(parameter.detach(), dims[0], matrix.to(parameter.device))

    return with_tensors(model, change, new_dim)


def _mapped(values: Tensor, dim: int, matrix: Tensor) -> Tensor:
    """Multiply the channels of each head, along a dimension of (heads x old)."""
    heads = matrix.shape[0]
    rows = values.to(matrix.dtype).movedim(dim, 0).unflatten(0, (heads, -1))
    return torch.einsum("hno,ho...->hn...", matrix, rows).flatten(0, 1).movedim(0, dim)
