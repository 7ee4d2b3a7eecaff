"""Keeping some of a model's heads, neurons and hidden channels, or giving them another order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, Axis, EncoderView, tensor_axes, view
from tinyglot.errors import StructureRangeError
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.shapes import settle_shape


@dataclass(frozen=True)
class Structures:
    """Which heads, neurons and hidden channels of a model stay, and in which order.

    Attributes:
        heads: Head indices of every layer.
        neurons: Neuron indices of every layer.
        hidden: Channels of the residual stream.
    """

    heads: tuple[tuple[int, ...], ...]
    neurons: tuple[tuple[int, ...], ...]
    hidden: tuple[int, ...]

    @classmethod
    def of(cls, model: PreTrainedModel) -> Self:
        """List all that a model has.

        Args:
            model: A model of a supported family.

        Returns:
            Every head, neuron and channel in its present order.
        """
        encoder = view(model)
        return cls(
            tuple(tuple(range(count)) for count in encoder.num_heads),
            tuple(tuple(range(count)) for count in encoder.ffn_sizes),
            tuple(range(encoder.hidden_size)),
        )

    def keep(self, **kept: Any) -> Self:  # noqa: ANN401  (the fields of this class)
        """Give the same with other heads, neurons or channels.

        Args:
            **kept: Fields of this class.

        Returns:
            The new value.
        """
        return replace(self, **kept)


def keep_structures(model: PreTrainedModel, kept: Structures) -> PreTrainedModel:
    """Copy a model with some of its heads, neurons and hidden channels, in the order given.

    Head ``i`` of layer ``l`` of the result is head ``kept.heads[l][i]`` of ``model``, and so on.
    Leaving out heads and neurons gives what ``model`` computes with these gated to zero; another
    order of any of them computes the same. Leaving out hidden channels is another function, since
    norms then run over the channels that stay: such a model has to be trained.

    Where the result fits an ordinary configuration, that follows. Where the layers differ, or the
    heads no longer fill the hidden size, the result is of a ``Slim`` class and ``config.slim``
    says its sizes. ``model`` is not modified.

    Args:
        model: A model of a supported family, with or without a head.
        kept: What stays; at least one head and neuron in each layer.

    Returns:
        The new model.

    Raises:
        StructureRangeError: If an index is outside the model or occurs twice, if a layer would be
            empty, or if there are not as many lists as layers.

    Cost:
        Only what stays is copied.
    """
    encoder = view(model)
    _check(encoder, kept)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    cut = {
        parameters[name]: _gathered(parameters[name], axes, encoder, kept)
        for name, axes in tensor_axes(encoder).items()
        if any(axes)
    }
    new = copy_model(model, cut)
    settle_shape(new)
    return new


def axis_positions(encoder: EncoderView, axis: Axis, kept: Structures) -> Tensor:
    """List the entries of a dimension that stay.

    Args:
        encoder: The view of the model that is cut.
        axis: What the dimension runs over.
        kept: What stays of the model.

    Returns:
        Indices into the dimension, in the order of the result.
    """
    if axis.kind == "heads":
        heads = torch.tensor(kept.heads[axis.layer])
        within = torch.arange(encoder.head_dim)
        one, size = (heads[:, None] * encoder.head_dim + within).flatten(), encoder.head_dim
        size *= encoder.num_heads[axis.layer]
    elif axis.kind == "ffn":
        one, size = torch.tensor(kept.neurons[axis.layer]), encoder.ffn_sizes[axis.layer]
    else:
        one, size = torch.tensor(kept.hidden), encoder.hidden_size
    return torch.cat([one + block * size for block in range(axis.blocks)])


def _gathered(
    parameter: nn.Parameter, axes: Axes, encoder: EncoderView, kept: Structures
) -> nn.Parameter:
    values = parameter.detach()
    for dim, axis in enumerate(axes):
        if axis is not None and axis.kind != "embedding":
            positions = axis_positions(encoder, axis, kept)
            if not torch.equal(positions, torch.arange(values.shape[dim])):
                values = values.index_select(dim, positions.to(values.device))
    if values.data_ptr() == parameter.data_ptr():
        values = values.clone()
    return nn.Parameter(values, requires_grad=parameter.requires_grad)


def _check(encoder: EncoderView, kept: Structures) -> None:
    mistakes = [
        *_mistakes("head", kept.heads, encoder.num_heads),
        *_mistakes("neuron", kept.neurons, encoder.ffn_sizes),
        *_mistakes_of("hidden channel", kept.hidden, encoder.hidden_size),
    ]
    if len(kept.hidden) % encoder.head_dim:
        mistakes.append(f"{len(kept.hidden)} hidden channels are no multiple of the head size")
    if len(kept.hidden) == encoder.embedding_size < encoder.hidden_size:
        mistakes.append(
            f"{len(kept.hidden)} hidden channels, as many as the narrower embedding has: an "
            "ordinary model of that size has no projection between the two"
        )
    if mistakes:
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        raise StructureRangeError(
            f"Could not keep these parts of the model: {len(mistakes)} mistake(s).",
            got=mistakes[0] + more,
            expected=f"each index once, at least one head and neuron in each of "
            f"{len(encoder.layers)} layers: {max(encoder.num_heads)} heads of "
            f"{encoder.head_dim}, {max(encoder.ffn_sizes)} neurons, "
            f"{encoder.hidden_size} hidden channels",
            fix="choose indices of this model, and keep some in every layer",
        )


def _mistakes(what: str, kept: Sequence[Sequence[int]], available: Sequence[int]) -> list[str]:
    if len(kept) != len(available):
        return [f"{what}s of {len(kept)} layers, the model has {len(available)}"]
    return [
        f"layer {layer}: {mistake}"
        for layer, (indices, count) in enumerate(zip(kept, available, strict=True))
        for mistake in _mistakes_of(what, indices, count)
    ]


def _mistakes_of(what: str, kept: Sequence[int], available: int) -> list[str]:
    wrong = [f"{what} {index} is not there" for index in kept if not 0 <= index < available]
    if len(set(kept)) != len(kept):
        wrong.append(f"a {what} occurs twice")
    if not kept:
        wrong.append(f"no {what} is left")
    return wrong
