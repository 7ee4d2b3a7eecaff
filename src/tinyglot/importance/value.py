"""Importance of a model's heads, neurons, layers and hidden channels, and its file."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.errors import ImportanceFileError
from tinyglot.files import replacing

KINDS = ("heads", "neurons", "layers", "hidden")


@dataclass(frozen=True, eq=False)
class Importance:
    """How much each structure of a model matters; higher means keep.

    Values of one kind may be compared with each other, over layers too; values of two kinds or
    two scorers may not.

    Attributes:
        scorer: What measured it, such as ``taylor``.
        heads: One tensor a layer, a value for each head.
        neurons: One tensor a layer, a value for each neuron.
        layers: A value for each layer.
        hidden: A value for each channel of the residual stream.
        languages: On whose data it was measured; none where it was not, or where it is unknown.
    """

    scorer: str
    heads: tuple[Tensor, ...]
    neurons: tuple[Tensor, ...]
    layers: Tensor
    hidden: Tensor
    languages: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Tensor, ...]:
        """Give the values of one kind.

        Args:
            kind: ``heads``, ``neurons``, ``layers`` or ``hidden``.

        Returns:
            One tensor a layer; one tensor for layers and hidden channels.
        """
        found = getattr(self, kind)
        return found if isinstance(found, tuple) else (found,)

    def mapped(self, change: Callable[[Sequence[Tensor]], Sequence[Tensor]]) -> Self:
        """Give the same with each kind's values changed.

        Args:
            change: Takes the tensors of one kind, and gives as many of the same shapes.

        Returns:
            The new value.
        """
        new = {kind: tuple(change(self.of(kind))) for kind in KINDS}
        return replace(
            self,
            heads=new["heads"],
            neurons=new["neurons"],
            layers=new["layers"][0],
            hidden=new["hidden"][0],
        )

    def save(self, path: Path, model: PreTrainedModel) -> None:
        """Write it to a file that says which model it belongs to.

        Args:
            path: Becomes a safetensors file.
            model: The model that was measured.
        """
        tensors = {
            f"{kind}.{index}": tensor.detach().cpu().contiguous()
            for kind in KINDS
            for index, tensor in enumerate(self.of(kind))
        }
        metadata = {
            "scorer": self.scorer,
            "languages": json.dumps(self.languages),
            "layers_digest": layers_digest(model),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata)

    @classmethod
    def load(cls, path: Path, model: PreTrainedModel) -> Self:
        """Read what ``save`` wrote.

        Args:
            path: The file.
            model: The model that it is for.

        Returns:
            The values.

        Raises:
            ImportanceFileError: If there is no such file, it is damaged or no file of importance,
                or it was measured on layers of other weights or shapes.
        """
        metadata, tensors = _read(path)
        if metadata["layers_digest"] != layers_digest(model):
            raise _of_another_model(path, tensors, model)
        kinds = {kind: tuple(_in_order(tensors, kind)) for kind in KINDS}
        return cls(
            metadata["scorer"],
            kinds["heads"],
            kinds["neurons"],
            kinds["layers"][0],
            kinds["hidden"][0],
            tuple(json.loads(metadata["languages"])),
        )


def layers_digest(model: PreTrainedModel) -> str:
    """Condense a model's layers to a short text that differs when their weights or shapes do.

    Vocabulary and head do not count: importance outlives a trimmed vocabulary.

    Args:
        model: A model of a supported family.

    Returns:
        Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, parameter in view(model).layers.named_parameters():
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        digest.update(parameter.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, str(error).strip().splitlines()[0]) from error
    kinds = {name.partition(".")[0] for name in tensors}
    if not {"scorer", "languages", "layers_digest"} <= set(metadata) or kinds != set(KINDS):
        raise _unreadable(path, "a file of something else")
    return metadata, tensors


def _in_order(tensors: Mapping[str, Tensor], kind: str) -> list[Tensor]:
    names = [name for name in tensors if name.startswith(kind + ".")]
    return [tensors[name] for name in sorted(names, key=lambda name: int(name.partition(".")[2]))]


def _unreadable(path: Path, got: str) -> ImportanceFileError:
    return ImportanceFileError(
        f"Could not read the importance in {path}.",
        got=got,
        expected="a safetensors file that Importance.save wrote",
        fix="give another file, or leave importance_file out to measure it",
    )


def _of_another_model(
    path: Path, tensors: Mapping[str, Tensor], model: PreTrainedModel
) -> ImportanceFileError:
    encoder = view(model)
    found = _shapes(_in_order(tensors, "heads"), _in_order(tensors, "neurons"))
    wanted = _shapes(
        [torch.empty(n) for n in encoder.num_heads], [torch.empty(n) for n in encoder.ffn_sizes]
    )
    same = " of other weights" if found == wanted else ""
    return ImportanceFileError(
        f"Could not use the importance in {path}: it was measured on another model.",
        got=f"importance of {found}{same}",
        expected=f"importance of this model: {wanted}",
        fix="measure it on this very model, or leave importance_file out",
    )


def _shapes(heads: Sequence[Any], neurons: Sequence[Any]) -> str:
    counts = [sorted({len(each) for each in kind}) for kind in (heads, neurons)]
    words = ["-".join(map(str, (each[0], each[-1])[: len(each)])) for each in counts]
    return f"{len(heads)} layers with {words[0]} heads and {words[1]} neurons each"
