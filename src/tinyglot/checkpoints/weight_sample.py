"""A digest of a few values of every tensor: cheap to take, and other after any training."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from tinyglot.checkpoints.tensor_file import Layout, Stored

_VALUES = 64  # at the beginning of each tensor, and as many at its end


def digest_of_model(model: PreTrainedModel) -> str:
    """Sample the values of a model as its file will hold them.

    Args:
        model: Its weights are as they will be saved.

    Returns:
        A digest of names, shapes and sampled bytes.
    """
    digest = sha256()
    for name, tensor in model.named_parameters():
        flat = tensor.detach().cpu().flatten()
        _add(digest, name, tuple(tensor.shape))
        for part in (flat[:_VALUES], flat[-_VALUES:]):
            digest.update(part.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def digest_of_files(files: Mapping[Path, Layout], model: PreTrainedModel) -> str:
    """Sample the values in the files of a checkpoint.

    Args:
        files: Its weight files with their headers.
        model: What they hold, without values; says which names a tensor has.

    Returns:
        What ``digest_of_model`` gives for the model that was saved in them.

    Cost:
        Reads some hundred bytes of each tensor.
    """
    places = {t.name: (path, t) for path, layout in files.items() for t in layout.tensors}
    names: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(tensor), []).append(name)
    digest = sha256()
    for name, tensor in model.named_parameters():
        stored = next(each for each in names[id(tensor)] if each in places)
        path, place = places[stored]
        _add(digest, name, place.shape)
        for sample in _samples(path, files[path], place):
            digest.update(sample)
    return digest.hexdigest()


def _add(digest: Any, name: str, shape: tuple[int, ...]) -> None:  # noqa: ANN401  (hashlib names no type)
    digest.update(f"{name} {shape}\n".encode())


def _samples(path: Path, layout: Layout, tensor: Stored) -> tuple[bytes, bytes]:
    size = min(_VALUES * tensor.item_size, tensor.num_bytes)
    start = layout.data_start + tensor.start
    with path.open("rb") as file:
        file.seek(start)
        first = file.read(size)
        file.seek(start + tensor.num_bytes - size)
        return first, file.read(size)
