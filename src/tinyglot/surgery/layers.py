"""Keeping some of a model's layers."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.errors import LayerRangeError
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.shapes import settle_shape


def keep_layers(model: PreTrainedModel, kept_layers: Sequence[int]) -> PreTrainedModel:
    """Copy a model with only some of its layers, in their order.

    Layer ``i`` of the result is layer ``kept_layers[i]`` of ``model`` with all that belongs to it;
    the configuration follows, so that a saved checkpoint loads the same model again: an ordinary
    one if the layers that stay are alike, even where they were not before. ``model`` is not
    modified.

    Args:
        model: A model of a supported family, with or without a head.
        kept_layers: Layer indices from 0, strictly increasing, at least one.

    Returns:
        A new model with ``len(kept_layers)`` layers.

    Raises:
        LayerRangeError: If an index is outside the model, doubled or out of order, or if a layer
            is left out that must stay (layer 0 of ModernBERT, which has no attention norm).

    Cost:
        Layers that go are not copied.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(
        ...     vocab_size=7, hidden_size=4, num_hidden_layers=4, num_attention_heads=1
        ... ))
        >>> keep_layers(model, [0, 2]).config.num_hidden_layers
        2
    """
    old = view(model)
    check_kept_layers(old, kept_layers)
    fields = old.layer_config(kept_layers)
    new = view(copy_model(model, _without(old, kept_layers)))
    new.replace_layers([new.layers[index] for index in kept_layers])
    for field, value in fields.items():
        setattr(new.config, field, value)
    settle_shape(new.model)
    return new.model


def reinitialise_layers(model: PreTrainedModel, seed: int) -> PreTrainedModel:
    """Copy a model with new random values in its layers, as its class draws them.

    Embeddings, head and all else that is no layer stay as they are. ``model`` is not modified.

    Args:
        model: A model of a supported family.
        seed: Of the values.

    Returns:
        A new model of the same shape.

    Randomness:
        PyTorch's generator, seeded with ``seed`` and put back afterwards.
    """
    new = copy_model(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = view(type(new)(new.config))
    for layer, drawn in zip(view(new).layers, fresh.layers, strict=True):
        layer.load_state_dict(drawn.state_dict())
    return new


def _without(old: EncoderView, kept_layers: Sequence[int]) -> dict[nn.Module, nn.Module]:
    dropped = [layer for index, layer in enumerate(old.layers) if index not in kept_layers]
    return {layer: nn.Identity() for layer in dropped}


def check_kept_layers(encoder: EncoderView, kept_layers: Sequence[int]) -> None:
    """Refuse a list of layers that a model cannot be cut to.

    Args:
        encoder: The view of the model.
        kept_layers: Layer indices from 0.

    Raises:
        LayerRangeError: If an index is outside the model, doubled or out of order, if there is
            none, or if a layer is left out that must stay.
    """
    num_layers = len(encoder.layers)
    problems = [f"layer {i} is not in the model" for i in kept_layers if not 0 <= i < num_layers]
    problems += [f"layer {b} after layer {a}" for a, b in pairwise(kept_layers) if b <= a]
    problems += [f"layer {i} is left out" for i in encoder.pinned_layers if i not in kept_layers]
    if not kept_layers:
        problems = ["no layer"]
    if problems:
        stay = ", ".join(map(str, encoder.pinned_layers))
        raise LayerRangeError(
            f"Could not keep the layers: {len(problems)} mistake(s).",
            got=f"{list(kept_layers)}: {'; '.join(problems)}",
            expected=f"increasing indices in [0, {num_layers})"
            + (f"; {encoder.family} cannot do without layer {stay}" if stay else ""),
            fix="give each layer once, from bottom to top"
            + (f", layer {stay} among them" if stay else ""),
        )
