"""Tensors as text, for the state that a Trainer writes as JSON."""

import base64
import zlib
from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor


def tensors_to_text(tensors: Mapping[str, Tensor]) -> str:
    """Write tensors as text, to the bit.

    Args:
        tensors: By name.

    Returns:
        Base64 of a compressed safetensors file.
    """
    values = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    return base64.b64encode(zlib.compress(safetensors.torch.save(values))).decode("ascii")


def tensors_from_text(text: str) -> dict[str, Tensor]:
    """Read what ``tensors_to_text`` wrote.

    Args:
        text: As it gave it.

    Returns:
        The tensors, on the CPU.

    Example:
        >>> import torch
        >>> tensors_from_text(tensors_to_text({"a": torch.tensor([1.5])}))
        {'a': tensor([1.5000])}
    """
    return safetensors.torch.load(zlib.decompress(base64.b64decode(text)))
