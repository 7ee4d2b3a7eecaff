"""Reading a packed file: back to the bytes of the dense one, piece by piece."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from tinyglot.checkpoints.bitmask import count_kept, spread
from tinyglot.checkpoints.packed_format import FORMAT, MASK, VALUES, VERSION
from tinyglot.checkpoints.packed_metadata import PackedMetadata
from tinyglot.checkpoints.tensor_file import (
    WORDS_AT_ONCE,
    Stored,
    Words,
    parse_header,
    pieces,
    read_layout,
)
from tinyglot.errors import CheckpointTensorsError, PackedCheckpointError


class PackedFile:
    """A packed file that is open, and the header of the dense file that it holds.

    Args:
        path: Where it is.
        file: The same, open for reading.

    Raises:
        PackedCheckpointError: If it is packed in another way.
        CheckpointTensorsError: If it is damaged.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self._file = path, file
        self._layout = read_layout(path)
        self._stored = {tensor.name: tensor for tensor in self._layout.tensors}
        about = self._layout.metadata
        self._check_version(about)
        try:
            self._about = PackedMetadata.model_validate(about)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise _damaged(path, f"{place}: {first['msg']}", "the header of the dense file") from (
                error
            )
        self.dense = parse_header(about["dense_header"])

    def _check_version(self, about: dict[str, str]) -> None:
        found = about.get("format"), about.get("version")
        if found != (FORMAT, VERSION):
            raise PackedCheckpointError(
                "Could not expand the checkpoint: it is packed in another way.",
                got=f"format {found[0]}, version {found[1]} in {self.path}",
                expected=f"format {FORMAT}, version {VERSION}",
                fix="expand it with the tinyglot that packed it",
            )

    def content(self) -> Iterator[memoryview]:
        """Give the dense file, piece by piece.

        Yields:
            Its bytes, the header first.

        Raises:
            CheckpointTensorsError: At the end, if they are not those of the file that was packed.
        """
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
            yield piece
        if digest.hexdigest() != self._about.dense_sha256:
            found = f"sha256 {digest.hexdigest()} once expanded"
            raise _damaged(self.path, found, self._about.dense_sha256)

    def _pieces(self) -> Iterator[memoryview]:
        yield memoryview(self.dense.opening)
        for tensor in self.dense.tensors:
            name = self._about.same_as.get(tensor.name, tensor.name)
            if name in self._stored:
                stored = self._find(name, tensor.num_bytes)
                found = pieces(self._file, self._layout, stored)
            else:
                found = self._spread(tensor, name)
            yield from (words.data for words in found)

    def _find(self, name: str, num_bytes: int) -> Stored:
        stored = self._stored.get(name)
        found = stored.num_bytes if stored else "no"
        if stored is None or found != num_bytes:
            raise _damaged(self.path, f"{found} bytes of {name}", f"{num_bytes} bytes")
        return stored

    def _spread(self, tensor: Stored, name: str) -> Iterator[Words]:
        if tensor.word_type is None:
            found = f"{tensor.num_bytes} bytes for the {tensor.num_values} values of {name}"
            raise _damaged(self.path, found, "1, 2, 4 or 8 bytes each")
        mask = self._find(name + MASK, -(-tensor.num_values // 8))
        values = self._find_values(name, mask, tensor)
        offset = values.start
        for start in range(0, tensor.num_values, WORDS_AT_ONCE):
            count = min(WORDS_AT_ONCE, tensor.num_values - start)
            bits = self._read(mask.start + start // 8, -(-count // 8))
            num_bytes = count_kept(bits, count) * tensor.item_size
            kept = self._read(offset, num_bytes).view(tensor.word_type)
            offset += num_bytes
            yield spread(bits, kept, count)

    def _find_values(self, name: str, mask: Stored, tensor: Stored) -> Stored:
        left, num_kept = tensor.num_values, 0
        for bits in pieces(self._file, self._layout, mask):
            num_kept += count_kept(bits.view(np.uint8), min(left, 8 * len(bits)))
            left -= 8 * len(bits)
        values = self._stored.get(name + VALUES)
        found = (values.num_values, values.dtype, values.num_bytes) if values else (0, "none", 0)
        expected = num_kept, tensor.dtype, num_kept * tensor.item_size
        if values is None or found != expected:
            raise _damaged(
                self.path,
                f"{found[0]} values of {name}, of type {found[1]}, {found[2]} bytes",
                f"{num_kept}, as many as its mask has ones, of type {tensor.dtype}, "
                f"{expected[2]} bytes",
            )
        return values

    def _read(self, offset: int, num_bytes: int) -> NDArray[np.uint8]:
        self._file.seek(self._layout.data_start + offset)
        return np.frombuffer(self._file.read(num_bytes), np.uint8)


def _damaged(path: Path, got: str, expected: str) -> CheckpointTensorsError:
    return CheckpointTensorsError(
        "Could not expand the checkpoint: a packed file does not fit itself.",
        got=f"{path}: {got}",
        expected=expected,
        fix="copy the packed checkpoint again, or pack the dense one again",
    )
