"""The layout of a safetensors file, so that it can be read and written piece by piece."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from tinyglot.errors import CheckpointTensorsError

Words = NDArray[np.unsignedinteger[Any]]

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = f"{WEIGHTS_FILE}.index.json"

# a multiple of 8, so that the bits of each piece fill whole bytes
WORDS_AT_ONCE = 2**21
_LENGTH_BYTES = 8
_ALIGNMENT = 8
_WORD_TYPES = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}


class Stored(NamedTuple):
    """A tensor of a file.

    Attributes:
        name: Its name.
        dtype: As safetensors writes it, such as ``BF16``.
        shape: Its shape.
        start: First byte, counted from the end of the header.
        stop: One past the last byte.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def num_values(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """How many bytes they take."""
        return self.stop - self.start

    @property
    def item_size(self) -> int:
        """How many bytes a value takes; 0 if it is no whole number, or there is no value."""
        size, rest = divmod(self.num_bytes, max(1, self.num_values))
        return 0 if rest else size

    @property
    def is_float(self) -> bool:
        """Whether its values are no whole numbers."""
        return not self.dtype.startswith(("I", "U", "BOOL"))

    @property
    def word_type(self) -> str | None:
        """Unsigned type of the values' bits, in numpy's notation, if there is one."""
        return _WORD_TYPES.get(self.item_size)


class Layout(NamedTuple):
    """What the header of a file says.

    Attributes:
        header: The header as it stands in the file, spaces at its end included.
        metadata: The free text in it, by key.
        tensors: In the order of their bytes, without gaps.
    """

    header: str
    metadata: dict[str, str]
    tensors: tuple[Stored, ...]

    @property
    def opening(self) -> bytes:
        """What stands in the file before the tensors."""
        content = self.header.encode()
        return len(content).to_bytes(_LENGTH_BYTES, "little") + content

    @property
    def data_start(self) -> int:
        """Where in the file the bytes of the tensors begin."""
        return len(self.opening)

    @property
    def num_bytes(self) -> int:
        """How long the whole file is."""
        return self.data_start + sum(tensor.num_bytes for tensor in self.tensors)


def read_layout(path: Path) -> Layout:
    """Read the header of a safetensors file, after safetensors has found the file sound.

    Args:
        path: The file.

    Returns:
        Names, shapes and places of its tensors.

    Raises:
        CheckpointTensorsError: If the file is damaged, such as one copied only in part.
    """
    try:
        with safe_open(path, framework="numpy"), path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            return parse_header(file.read(length).decode())
    except SafetensorError as error:
        raise CheckpointTensorsError(
            "Could not load the model: a weight file is damaged.",
            got=f"{path}, {path.stat().st_size} bytes ({error})",
            expected="a whole safetensors file",
            fix="copy or download the checkpoint again",
        ) from error


def weight_files(directory: Path) -> dict[Path, Layout]:
    """Find the weight files of a checkpoint as transformers does; others beside them are nothing.

    Args:
        directory: The checkpoint.

    Returns:
        Their headers: of ``model.safetensors``, else of the files that its index names.

    Raises:
        CheckpointTensorsError: If a file is damaged or missing, or two hold the same tensor.
    """
    paths = _weight_paths(directory)
    files = {path: read_layout(path) for path in paths}
    names = [tensor.name for layout in files.values() for tensor in layout.tensors]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _unclear(directory, f"{twice} in several of {', '.join(p.name for p in paths)}")
    return files


def _weight_paths(directory: Path) -> list[Path]:
    index = directory / INDEX_FILE
    if (directory / WEIGHTS_FILE).is_file():
        return [directory / WEIGHTS_FILE]
    if not index.is_file():
        return sorted(directory.glob("*.safetensors"))
    try:
        named = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unclear(directory, f"{INDEX_FILE}: {error!r}") from error
    missing = [n for n in named if Path(n).name != n or not (directory / n).is_file()]
    if missing:
        raise _unclear(directory, f"{INDEX_FILE} names {missing[0]}, which is not there")
    return [directory / name for name in named]


def _unclear(directory: Path, got: str) -> CheckpointTensorsError:
    return CheckpointTensorsError(
        "Could not load the model: its weight files do not fit together.",
        got=f"{got} ({directory})",
        expected=f"{WEIGHTS_FILE}, or {INDEX_FILE} and its files, each tensor in one of them",
        fix="copy or download the checkpoint again, into an empty directory",
    )


def parse_header(header: str) -> Layout:
    """Take a header apart.

    Args:
        header: JSON, as in a file.

    Returns:
        What it says.

    Example:
        >>> parse_header('{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}').tensors[0].name
        'a'
    """
    entries = json.loads(header)
    metadata = entries.pop("__metadata__", {})
    tensors = (
        Stored(name, entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"])
        for name, entry in entries.items()
    )
    return Layout(header, metadata, tuple(sorted(tensors, key=lambda one: (one.start, one.stop))))


def make_header(
    tensors: Sequence[tuple[str, str, Sequence[int], int]], metadata: dict[str, str]
) -> str:
    """Write a header for tensors that stand one after the other.

    Args:
        tensors: Name, dtype, shape and number of bytes of each, in the order of their bytes.
        metadata: Free text by key.

    Returns:
        JSON, padded as safetensors pads it.
    """
    entries: dict[str, Any] = {"__metadata__": metadata}
    start = 0
    for name, dtype, shape, num_bytes in tensors:
        offsets = [start, start + num_bytes]
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        start += num_bytes
    header = json.dumps(entries, separators=(",", ":"))
    return header + " " * (-len(header) % _ALIGNMENT)


def pieces(file: IO[bytes], layout: Layout, tensor: Stored) -> Iterator[Words]:
    """Read a tensor's values as bits, a bounded number at once.

    Args:
        file: The file that ``layout`` is of; others may move in it between two pieces.
        layout: Its header.
        tensor: One of its tensors.

    Yields:
        Unsigned numbers with the values' bits, row-major; bytes, where a value is less than one.
    """
    word_type = tensor.word_type or "<u1"
    start, stop = layout.data_start + tensor.start, layout.data_start + tensor.stop
    step = WORDS_AT_ONCE * np.dtype(word_type).itemsize
    for offset in range(start, stop, step):
        file.seek(offset)
        yield np.frombuffer(file.read(min(step, stop - offset)), dtype=word_type)
