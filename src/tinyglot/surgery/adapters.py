"""Bottleneck adapters behind the feed-forward blocks of a model."""

import torch
from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.architectures.slim import Adapter, attach_adapter
from tinyglot.errors import UnsupportedArchitectureError
from tinyglot.surgery.copies import shared_copy
from tinyglot.surgery.shapes import settle_shape

STANDARD_DEVIATION = 0.02


def adapter_size(hidden_size: int, reduction: int) -> int:
    """Say how many channels an adapter has.

    Args:
        hidden_size: Of the model.
        reduction: How many times fewer.

    Returns:
        At least 1.

    Example:
        >>> adapter_size(768, 16), adapter_size(564, 16)
        (48, 35)
    """
    return max(hidden_size // reduction, 1)


def add_adapters(model: PreTrainedModel, num_channels: int, seed: int) -> PreTrainedModel:
    """Give every layer of a model a new adapter of so many channels.

    The result is of a ``Slim`` class, and ``config.slim`` says the channels.

    Args:
        model: A model without adapters, or with adapters of that size, which are kept. It is not
            changed, and shares its weights with the result.
        num_channels: Of every adapter.
        seed: Decides the new weights: normal with a standard deviation of 0.02, as BERT's.

    Returns:
        A model with adapters.

    Raises:
        UnsupportedArchitectureError: If the model has adapters of another size.

    Randomness:
        A generator of its own.
    """
    new = shared_copy(model)
    sizes = set(view(model).adapter_sizes)
    if sizes == {num_channels}:
        return new
    if sizes:
        raise UnsupportedArchitectureError(
            "Could not add adapters to the model: it has adapters of another size.",
            got=f"adapters of {max(sizes)} channels",
            expected=f"none, or adapters of {num_channels} channels",
            fix="give the reduction that they were made with, or start from the model before",
        )
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # a linear module draws weights as soon as it is made
        for layer in view(new).layers:
            attach_adapter(layer, new.config.model_type, num_channels)
    for adapter in (module for module in new.modules() if isinstance(module, Adapter)):
        _initialise(adapter, generator)
    settle_shape(new)
    return new


@torch.no_grad()
def _initialise(adapter: Adapter, generator: torch.Generator) -> None:
    for linear in (adapter.down, adapter.up):
        values = torch.randn(linear.weight.shape, generator=generator) * STANDARD_DEVIATION
        linear.weight.copy_(values)
        nn.init.zeros_(linear.bias)
