"""Bytes and parameters, read from the headers of weight files; no weight is loaded."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import safe_open

from tinyglot.errors import MissingExtraError, ModelNotFoundError
from tinyglot.files import read_json
from tinyglot.measure.weights import weight_files

SCALE_SUFFIX = ".scale"
_MIN_TABLE_VALUES = 2


@dataclass(frozen=True)
class ModelSize:
    """What a model weighs on disk.

    Attributes:
        size_bytes: Bytes of its weight files.
        num_parameters: Values in distinct tensors.
        num_embedding_parameters: Those with a vocabulary axis: word embeddings, and an untied
            output matrix and its bias.
        num_other_parameters: All others.
    """

    size_bytes: int
    num_parameters: int
    num_embedding_parameters: int
    num_other_parameters: int

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes as JSON values.

        Returns:
            One entry a field.
        """
        return asdict(self)


class _Stored(NamedTuple):
    name: str
    shape: tuple[int, ...]


def size_of(directory: Path) -> ModelSize:
    """Weigh a checkpoint or an export, whichever it is.

    Args:
        directory: With weight files and ``config.json``.

    Returns:
        Bytes and parameters.

    Raises:
        ModelNotFoundError: If there are no weight files or no ``config.json``.
        MissingExtraError: If it is an export and ``onnx`` is not installed.
    """
    is_export = any(path.suffix == ".onnx" for path in weight_files(directory))
    return size_of_export(directory) if is_export else size_of_checkpoint(directory)


def size_of_checkpoint(directory: Path) -> ModelSize:
    """Weigh a checkpoint; tied tensors are stored, and counted, once.

    Args:
        directory: With ``*.safetensors`` and ``config.json``.

    Returns:
        Bytes and parameters.

    Raises:
        ModelNotFoundError: If there are no weight files or no ``config.json``.
    """
    return _size(directory, _safetensors(directory))


def size_of_export(directory: Path) -> ModelSize:
    """Weigh an export; a weight rounded to 8 bits counts like the one it came from.

    Args:
        directory: With ``model.onnx`` and ``config.json``.

    Returns:
        Bytes and parameters, the scales of rounded weights not counted. Tracing folds small
        constants, so the number can be a little below that of the checkpoint.

    Raises:
        ModelNotFoundError: If there are no weight files or no ``config.json``.
        MissingExtraError: If ``onnx`` is not installed.
    """
    return _size(directory, [*_initializers(directory), *_safetensors(directory)])


def _size(directory: Path, tensors: Iterable[_Stored]) -> ModelSize:
    vocab_size = _vocab_size(directory)
    total = embedding = 0
    for tensor in tensors:
        values = math.prod(tensor.shape)
        total += values
        embedding += values if vocab_size in tensor.shape else 0
    size_bytes = sum(path.stat().st_size for path in weight_files(directory))
    return ModelSize(size_bytes, total, embedding, total - embedding)


def _vocab_size(directory: Path) -> int:
    if not (directory / "config.json").is_file():
        raise ModelNotFoundError(
            "Could not measure: there is no config.json beside the weights.",
            got=str(directory),
            expected="config.json with vocab_size",
            fix="give a checkpoint directory or an export directory",
        )
    return int(read_json(directory / "config.json")["vocab_size"])


def _safetensors(directory: Path) -> list[_Stored]:
    found = []
    for path in weight_files(directory):
        if path.suffix != ".safetensors":
            continue
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118  (no mapping)
                part = file.get_slice(name)
                if not part.get_dtype().startswith(("I", "U", "BOOL")):
                    found.append(_Stored(name, tuple(part.get_shape())))
    return found


def _initializers(directory: Path) -> list[_Stored]:
    """List the weights of ONNX files: floats and 8-bit numbers, no scales, no single constants."""
    onnx = _onnx()
    kinds = {getattr(onnx.TensorProto, kind) for kind in ("FLOAT", "FLOAT16", "BFLOAT16", "INT8")}
    return [
        _Stored(tensor.name, tuple(tensor.dims))
        for path in weight_files(directory)
        if path.suffix == ".onnx"
        for tensor in onnx.load(path, load_external_data=False).graph.initializer
        if tensor.data_type in kinds
        and not tensor.name.endswith(SCALE_SUFFIX)
        and math.prod(tensor.dims) >= _MIN_TABLE_VALUES
    ]


def _onnx() -> Any:  # noqa: ANN401  (a module)
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(
            "Could not weigh the export: onnx is not installed.",
            got="no package onnx",
            expected="onnx 1.23 or later",
            fix='pip install "tinyglot[onnx]"',
        ) from error
    return onnx
