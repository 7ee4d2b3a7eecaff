"""Copying a model with some of its parts replaced, without copying what is replaced."""

import copy
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from torch import Tensor, nn
from transformers import PreTrainedModel

Part = TypeVar("Part", bound=Tensor | nn.Module)


def copy_model(
    model: PreTrainedModel, replacements: Mapping[Part, Part] | None = None
) -> PreTrainedModel:
    """Copy a model, putting other tensors or modules in place of some of its own.

    Wherever ``model`` refers to a replaced part, under however many names, the copy refers to the
    one replacement: tied weights stay tied. ``model`` is not modified and shares nothing with the
    copy. Sizes that modules and the configuration store are left to the caller.

    Args:
        model: The model to copy.
        replacements: New part for old part, matched by identity; a part is a parameter, a buffer
            or a module. The new ones go into the copy as they are.

    Returns:
        The copy.

    Cost:
        Replaced parts are never copied, so a smaller embedding costs only its own memory.

    Example:
        >>> import torch
        >>> from transformers import BertConfig, BertModel
        >>> model = BertModel(BertConfig(
        ...     vocab_size=7, hidden_size=4, num_hidden_layers=1, num_attention_heads=1
        ... ))
        >>> old = model.embeddings.word_embeddings.weight
        >>> new = torch.nn.Parameter(torch.zeros(3, 4))
        >>> copy_model(model, {old: new}).embeddings.word_embeddings.weight is new
        True
    """
    replaced = dict(replacements or {})
    # deepcopy asks the memo before it copies anything: what is in there is taken as copied.
    memo: dict[int, Any] = {id(old): new for old, new in replaced.items()}
    return copy.deepcopy(model, memo)


def shared_copy(model: PreTrainedModel) -> PreTrainedModel:
    """Copy the modules of a model around the same weights, for changes that leave these alone.

    Args:
        model: The model to copy. It is not changed: parameters of the copy are frozen, or given
            other values, without it.

    Returns:
        The copy; its parameters share the memory of the model's until they are replaced.
    """
    parameters = {p: nn.Parameter(p.detach(), p.requires_grad) for p in model.parameters()}
    return copy_model(model, parameters)


def on_device(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """Give a model on a device: itself if it is there, else a copy.

    Args:
        model: The model. It is not moved.
        device: Torch device name.

    Returns:
        A model of the same weights.
    """
    if model.device.type == device.partition(":")[0]:
        return model
    copied = copy_model(model)
    cast(nn.Module, copied).to(device)
    return copied
