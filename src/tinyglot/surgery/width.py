"""Narrowing a model by cutting its matrices off, as published: every tensor keeps its beginning."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, EncoderView, Shape, tensor_axes, view
from tinyglot.architectures.stock import axis_length
from tinyglot.errors import StructureRangeError, UnsupportedArchitectureError
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.shapes import is_stock_shape, settle_shape

#: what becomes of a parameter: its name, the parameter, what its dimensions run over
TensorChange = Callable[[str, nn.Parameter, Axes], Tensor]


def truncate_hidden(
    model: PreTrainedModel, hidden_size: int, form: Literal["truncation", "svd"] = "truncation"
) -> PreTrainedModel:
    """Copy the beginning of every tensor into a model of a smaller hidden size.

    A matrix becomes its top left block, a vector its beginning. The number of heads stays and all
    of them get narrower, so that the rows that are left are split into heads anew, across the
    old ones. By ``svd`` the block is cut out of the matrix's best approximation of a lower rank.
    The result is another function, since norms then run over fewer channels: it has to be trained.

    Args:
        model: A model of a supported family, with or without a head, also on the meta device
            (not by ``svd``). It is not modified.
        hidden_size: Channels that stay; a multiple of the number of heads.
        form: ``truncation``; or ``svd``, whose rank is ``hidden_size``, and the number of neurons
            for the matrices into them.

    Returns:
        A new model of an ordinary class.

    Raises:
        StructureRangeError: If the width is not divisible by heads, or above the model's.
        UnsupportedArchitectureError: If the heads cannot be split anew, because positions are
            rotated in pairs of their channels, or because layers differ.

    References:
        Gurgurov et al. (2025), arXiv 2505.16956, reduction of the hidden size.
    """
    encoder = view(model)
    check_narrowed_heads(encoder, hidden_size)
    shape = shape_of_width(encoder, hidden_size)

    def cut(name: str, parameter: nn.Parameter, axes: Axes) -> Tensor:
        values = parameter.detach()
        if form == "svd" and values.dim() == 2:
            is_into_ffn = axes[0] is not None and axes[0].kind == "ffn"
            values = _of_rank(values, encoder.ffn_sizes[0] if is_into_ffn else hidden_size)
        return _beginning(values, axes, shape)

    return with_tensors(model, cut, shape.head_dim)


def shape_of_width(encoder: EncoderView, hidden_size: int) -> Shape:
    """Say the shape of a model that keeps the number of its heads at another width.

    Args:
        encoder: The view of the model.
        hidden_size: The new width; a multiple of the number of heads.

    Returns:
        The shape; embeddings of a width of their own keep it.
    """
    shape = Shape.of(encoder.model)
    is_bottleneck = encoder.embedding_size != encoder.hidden_size
    return shape.change(
        hidden_size=hidden_size,
        head_dim=hidden_size // max(encoder.num_heads),
        embedding_size=encoder.embedding_size if is_bottleneck else hidden_size,
    )


def with_tensors(
    model: PreTrainedModel, change: TensorChange, head_dim: int | None = None
) -> PreTrainedModel:
    """Copy a model with tensors of other sizes, and make it say its new shape.

    Args:
        model: A model of a supported family. It is not modified.
        change: Gives the new values of every parameter of which a dimension runs over channels,
            heads or neurons. Tied parameters are asked for once.
        head_dim: Channels of a head; default: as before.

    Returns:
        The new model, of a ``Slim`` class where no ordinary configuration can express it.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    new: dict[nn.Parameter, nn.Parameter] = {}
    for name, axes in tensor_axes(view(model)).items():
        old = parameters[name]
        if any(axes) and old not in new:
            values = change(name, old, axes).to(old.dtype)
            # what is a view of a larger tensor, or of the old one, gets memory of its own
            values = values.clone(memory_format=torch.contiguous_format)
            new[old] = nn.Parameter(values, requires_grad=old.requires_grad)
    copied = copy_model(model, new)
    if head_dim is not None:
        _set_head_dim(copied, head_dim)
    settle_shape(copied)
    return copied


def _set_head_dim(model: PreTrainedModel, head_dim: int) -> None:
    """Tell every attention module the channels of its heads, in place."""
    encoder = view(model)
    for layer in range(len(encoder.layers)):
        attention: Any = encoder.attention(layer)
        for name in ("attention_head_size", "head_dim"):
            if hasattr(attention, name):
                setattr(attention, name, head_dim)
        if hasattr(attention, "scaling"):
            attention.scaling = head_dim**-0.5
    if getattr(model.config, "attention_head_size", None) is not None:
        model.config.attention_head_size = head_dim


# --- checks -------------------------------------------------------------------------------------


def check_narrowed_heads(encoder: EncoderView, hidden_size: int) -> None:
    """Refuse a width at which a model cannot keep all of its heads, each of them narrower.

    Args:
        encoder: The view of the model.
        hidden_size: The new width.

    Raises:
        StructureRangeError: If the width is not divisible by heads, or above the model's.
        UnsupportedArchitectureError: If positions are rotated in pairs of a head's channels, or
            if layers differ.
    """
    if encoder.has_rotary_positions:
        raise UnsupportedArchitectureError(
            "Could not narrow the heads of the model.",
            got=f"{encoder.family}, which rotates pairs of a head's channels by the position",
            expected="a model of learnt or relative positions",
            fix="keep heads whole (basis: pca or importance with heads: whole, and a multiple of "
            f"{encoder.head_dim} as hidden_size)",
        )
    check_same_layers(encoder)
    check_width(encoder, hidden_size, max(encoder.num_heads), "heads")


def check_same_layers(encoder: EncoderView) -> None:
    """Refuse a model whose layers differ, or whose heads do not fill its hidden size.

    Args:
        encoder: The view of the model.

    Raises:
        UnsupportedArchitectureError: If an ordinary configuration cannot express the layers.
    """
    if not is_stock_shape(encoder):
        heads, neurons = encoder.num_heads, encoder.ffn_sizes
        raise UnsupportedArchitectureError(
            "Could not reduce the width: the layers of the model differ.",
            got=f"{min(heads)} to {max(heads)} heads of {encoder.head_dim} and {min(neurons)} to "
            f"{max(neurons)} neurons in a layer, hidden size {encoder.hidden_size}",
            expected="layers of the same heads and neurons, whose heads fill the hidden size",
            fix="fill it up first: tinyglot export --format stock",
        )


def check_width(encoder: EncoderView, hidden_size: int, divisor: int, what: str) -> None:
    """Refuse a width that is no multiple of something, or no width below the model's.

    Args:
        encoder: The view of the model.
        hidden_size: The new width.
        divisor: What it has to be a multiple of.
        what: The name of that, such as ``heads``.

    Raises:
        StructureRangeError: If the width is not divisible, or above the model's.
    """
    if not 1 <= hidden_size <= encoder.hidden_size:
        raise StructureRangeError(
            "Could not reduce the width: the model is not that wide.",
            got=f"hidden_size {hidden_size}",
            expected=f"at most {encoder.hidden_size}, the hidden size of the model",
            fix=f"give a hidden_size below {encoder.hidden_size}",
        )
    if hidden_size == encoder.embedding_size < encoder.hidden_size:
        raise StructureRangeError(
            "Could not reduce the width: it is that of the narrower embeddings.",
            got=f"hidden_size {hidden_size}",
            expected=f"a hidden size other than {encoder.embedding_size}: an ordinary model of "
            "that size has no projection between the two",
            fix=f"give another multiple of {divisor}",
        )
    below = hidden_size // divisor * divisor
    nearest = [n for n in (below, below + divisor) if 0 < n <= encoder.hidden_size]
    if hidden_size % divisor:
        raise StructureRangeError(
            f"Could not reduce the width: it is not divisible by {what}.",
            got=f"hidden_size {hidden_size}",
            expected=f"a multiple of {divisor} ({what}), such as " + " or ".join(map(str, nearest)),
            fix=f"give hidden_size: {nearest[0]}",
        )


# --- tensors ------------------------------------------------------------------------------------


def _beginning(values: Tensor, axes: Axes, shape: Shape) -> Tensor:
    """Keep the beginning of every dimension that is cut, and of each of its blocks."""
    for dim, axis in enumerate(axes):
        if axis is not None:
            size = axis_length(axis, shape) // axis.blocks
            blocks = values.unflatten(dim, (axis.blocks, -1)).narrow(dim + 1, 0, size)
            values = blocks.flatten(dim, dim + 1)
    return values


def _of_rank(matrix: Tensor, rank: int) -> Tensor:
    """Give the nearest matrix of a rank: U_k S_k V_k, by projecting on its shorter side."""
    if rank >= min(matrix.shape):
        return matrix
    wide = matrix.double()
    is_tall = wide.shape[0] >= wide.shape[1]
    gram = wide.T @ wide if is_tall else wide @ wide.T
    leading = torch.linalg.eigh(gram).eigenvectors[:, -rank:]
    projector = leading @ leading.T
    nearest: Tensor = wide @ projector if is_tall else projector @ wide
    return nearest.to(matrix.dtype)
