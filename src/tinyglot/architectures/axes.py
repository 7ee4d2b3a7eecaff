"""What each dimension of each tensor runs over: what a cut of a model has to follow."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from torch import nn

from tinyglot.architectures.view import EncoderView
from tinyglot.errors import UnsupportedArchitectureError

AxisKind = Literal["hidden", "embedding", "heads", "ffn"]
Axes = tuple["Axis | None", ...]


class Axis(NamedTuple):
    """What one dimension of a tensor runs over.

    Attributes:
        kind: ``hidden`` for the channels of the residual stream, ``embedding`` for those of
            embeddings that are narrower (DeBERTa's bottleneck), ``heads`` for the channels of a
            layer's heads (``heads x head_dim``, head by head), ``ffn`` for a layer's neurons.
        layer: The layer of ``heads`` or ``ffn``; -1 for the others.
        blocks: How often the dimension runs over it: 3 where query, key and value are fused, 2
            where a gated linear unit fuses gate and input.
    """

    kind: AxisKind
    layer: int = -1
    blocks: int = 1


_HIDDEN, _EMBEDDING = Axis("hidden"), Axis("embedding")
_INTO_HEADS = ("query", "key", "value", "qkv", "position_key", "position_query")


def tensor_axes(encoder: EncoderView) -> dict[str, Axes]:
    """Say what every dimension of every parameter runs over.

    Args:
        encoder: The view of a model, with or without a head.

    Returns:
        For each name of ``model.named_parameters(remove_duplicate=False)`` one entry a dimension;
        None where no cut of heads, neurons or channels touches it, such as vocabulary, positions
        and labels.

    Raises:
        UnsupportedArchitectureError: If a module has other channels, as in a head of one's own, or
            the model has adapters.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> from tinyglot.architectures import view
        >>> model = BertModel(BertConfig(
        ...     vocab_size=7, hidden_size=4, num_hidden_layers=1, num_attention_heads=2
        ... ))
        >>> tensor_axes(view(model))["encoder.layer.0.attention.self.query.bias"]
        (Axis(kind='heads', layer=0, blocks=1),)
    """
    check_no_adapters(encoder)
    of_module = dict(_layer_axes(encoder))
    final = _final_linear(encoder.task_head)
    sizes = {encoder.embedding_size: _EMBEDDING, encoder.hidden_size: _HIDDEN}
    axes: dict[str, Axes] = {}
    for path, module in encoder.model.named_modules(remove_duplicate=False):
        found = of_module.get(module)
        if found is None:
            _check_known(path, module, sizes)
            found = _module_axes(sizes, module, is_final=module is final)
        for name, parameter in module.named_parameters(recurse=False):
            full = f"{path}.{name}" if path else name
            axes[full] = _of_parameter(found, name, parameter.dim())
    return axes | _without_vocabulary(encoder, axes)


def check_no_adapters(encoder: EncoderView) -> None:
    """Refuse a model whose channels, heads or neurons cannot be cut for its adapters.

    Args:
        encoder: The view of the model.

    Raises:
        UnsupportedArchitectureError: If the model has adapters.
    """
    if encoder.adapter_sizes:
        raise UnsupportedArchitectureError(
            "Could not cut the model: it has adapters.",
            got=f"{type(encoder.model).__name__} with adapters of {max(encoder.adapter_sizes)} "
            "channels",
            expected="a model without adapters, which were trained for the model as it is",
            fix="cut the model first, and then fine-tune it with tuning: bottleneck",
        )


def _check_known(path: str, module: nn.Module, sizes: Mapping[int, Axis]) -> None:
    """Refuse a module of which no cut would know what its channels are."""
    width = {
        nn.Embedding: "embedding_dim",
        nn.Linear: "in_features",
        nn.LayerNorm: "normalized_shape",
        nn.Conv1d: "in_channels",
    }.get(type(module))
    found = getattr(module, width) if width else next(iter(sizes))
    size = found[0] if isinstance(found, tuple) else found
    groups = getattr(module, "groups", 1)
    if size not in sizes or groups != 1:
        raise UnsupportedArchitectureError(
            "Could not cut the model: it has a module whose channels are none of its own.",
            got=f"{path}: {type(module).__name__} of {size} channels"
            + (f" in {groups} groups" if groups != 1 else ""),
            expected=f"modules of {' or '.join(map(str, sorted(sizes)))} channels, not in groups",
            fix="use a head of transformers, such as AutoModelForTokenClassification has",
        )


def _of_parameter(of_weight: Axes, name: str, num_dims: int) -> Axes:
    """Bias and norms run over what the weight's first dimension runs over."""
    return of_weight if name == "weight" and num_dims > 1 else of_weight[:1] * num_dims


def _layer_axes(encoder: EncoderView) -> Iterator[tuple[nn.Module, Axes]]:
    for layer, roles in enumerate(encoder.linear_modules()):
        heads, ffn = Axis("heads", layer), Axis("ffn", layer)
        for role in set(roles).intersection(_INTO_HEADS):
            fused = heads._replace(blocks=3) if role == "qkv" else heads
            yield roles[role], (fused, _HIDDEN)
        blocks = roles["ffn_in"].out_features // roles["ffn_out"].in_features
        yield roles["attention_output"], (_HIDDEN, heads)
        yield roles["ffn_in"], (ffn._replace(blocks=blocks), _HIDDEN)
        yield roles["ffn_out"], (_HIDDEN, ffn)


def _module_axes(sizes: Mapping[int, Axis], module: nn.Module, *, is_final: bool) -> Axes:
    """Axes of a module that is no linear role of a layer, by its kind and its sizes."""
    if isinstance(module, nn.Embedding):
        return (None, sizes[module.embedding_dim])
    if isinstance(module, nn.Linear):
        return (None if is_final else sizes.get(module.out_features), sizes[module.in_features])
    if isinstance(module, nn.Conv1d):
        return (_HIDDEN, _HIDDEN, None)
    if isinstance(module, nn.LayerNorm):
        return (sizes[module.normalized_shape[0]],)
    return (None,)


def _final_linear(head: nn.Module | None) -> nn.Module | None:
    """The module of a head whose outputs are labels."""
    return getattr(head, "out_proj", head)


def _without_vocabulary(encoder: EncoderView, axes: Mapping[str, Axes]) -> dict[str, Axes]:
    """No cut of channels touches a vocabulary, even one that is as long as a state is wide."""
    return {
        name: tuple(None if at == dim else axis for at, axis in enumerate(axes[name]))
        for name, dim in encoder.vocabulary_tensors()
        if name in axes
    }
