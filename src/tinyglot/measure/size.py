"""Bytes and parameters, read from the headers of weight files; no weight is loaded."""

import importlib
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
        MissingExtraError: If it is an export and the package that reads it is not installed.
    """
    is_export = any(path.suffix in (".onnx", ".xml") for path in weight_files(directory))
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
        directory: With ``model.onnx`` or ``model.xml``, and ``config.json``.

    Returns:
        Bytes and parameters, the scales of rounded weights not counted. Tracing folds small
        constants, so the number can be a little below that of the checkpoint.

    Raises:
        ModelNotFoundError: If there are no weight files or no ``config.json``.
        MissingExtraError: If ``onnx``, or ``openvino``, is not installed.
    """
    graph = [*_initializers(directory), *_constants(directory)]
    return _size(directory, [*graph, *_safetensors(directory)])


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
    files = [path for path in weight_files(directory) if path.suffix == ".onnx"]
    if not files:
        return []
    onnx = _package("onnx", "onnx 1.23 or later")
    kinds = {getattr(onnx.TensorProto, kind) for kind in ("FLOAT", "FLOAT16", "BFLOAT16", "INT8")}
    return [
        _Stored(tensor.name, tuple(tensor.dims))
        for path in files
        for tensor in onnx.load(path, load_external_data=False).graph.initializer
        if tensor.data_type in kinds
        and not tensor.name.endswith(SCALE_SUFFIX)
        and math.prod(tensor.dims) >= _MIN_TABLE_VALUES
    ]


def _constants(directory: Path) -> list[_Stored]:
    """List the weights of an OpenVINO model: floats, no single constants."""
    path = directory / "model.xml"
    if not path.is_file():
        return []
    core = _package("openvino", "openvino 2026.4 or later").Core()
    constants = (op for op in core.read_model(path).get_ops() if op.get_type_name() == "Constant")
    return [
        _Stored(op.get_friendly_name(), tuple(op.get_output_shape(0)))
        for op in constants
        if op.get_output_element_type(0).is_real()
        and math.prod(op.get_output_shape(0)) >= _MIN_TABLE_VALUES
    ]


def _package(name: str, expected: str) -> Any:  # noqa: ANN401  (a module)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"Could not weigh the export: {name} is not installed.",
            got=f"no package {name}",
            expected=expected,
            fix=f'pip install "tinyglot[{name}]"',
        ) from error
