"""Packing a checkpoint that has many zeros: a bit for each weight, and the values that are left."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import IO, NamedTuple

import numpy as np

from tinyglot.checkpoints.bitmask import bitmask
from tinyglot.checkpoints.locate import read_config
from tinyglot.checkpoints.packed_file import PackedFile
from tinyglot.checkpoints.packed_format import (
    DENSE_SUFFIX,
    FORMAT,
    MASK,
    PACKED_SUFFIX,
    VALUES,
    VERSION,
)
from tinyglot.checkpoints.packed_size import PackedSize, StoredSize, packed_size
from tinyglot.checkpoints.push import checkpoint_files
from tinyglot.checkpoints.tensor_file import (
    Layout,
    Stored,
    Words,
    make_header,
    parse_header,
    pieces,
    read_layout,
)
from tinyglot.errors import NoEffectError
from tinyglot.files import replacing

# what one more tensor takes in the header, about
_ENTRY_BYTES = 128


# name, type, shape, number of bytes
Entry = tuple[str, str, tuple[int, ...], int]


class PlannedTensor(NamedTuple):
    """How a tensor is going to be stored.

    Attributes:
        dense: Where it is.
        num_kept: Values with any bit set.
        num_negative_zeros: Those of them that are ``-0.0``.
        same_as: An earlier tensor of the file with the same type, shape and bits, if there is one.
        is_masked: Whether a mask and values are smaller than the tensor.
    """

    dense: Stored
    num_kept: int
    num_negative_zeros: int
    same_as: str | None
    is_masked: bool

    @property
    def entries(self) -> list[Entry]:
        """The tensors that it takes in a packed file."""
        name, dtype, shape, num_values = *self.dense[:3], self.dense.num_values
        if self.same_as is not None:
            return []
        if not self.is_masked:
            return [(name, dtype, shape, self.dense.num_bytes)]
        mask_bytes, value_bytes = _parts(self.dense, self.num_kept)
        return [
            (name + VALUES, dtype, (self.num_kept,), value_bytes),
            (name + MASK, "U8", (-(-num_values // 8),), mask_bytes),
        ]


class PlannedFile(NamedTuple):
    """How a weight file is going to be stored.

    Attributes:
        path: The dense file.
        layout: Its header.
        sha256: Of the whole dense file.
        tensors: In the order of their bytes.
    """

    path: Path
    layout: Layout
    sha256: str
    tensors: tuple[PlannedTensor, ...]

    @property
    def header(self) -> str:
        """The header of the packed file: large values first, so that all lie on even places."""
        entries = [entry for one in self.tensors for entry in one.entries]
        entries.sort(key=lambda entry: -_item_size(entry))
        same_as = {one.dense.name: one.same_as for one in self.tensors if one.same_as is not None}
        about = {
            "format": FORMAT,
            "version": VERSION,
            "dense_header": self.layout.header,
            "dense_sha256": self.sha256,
            "same_as": json.dumps(same_as),
        }
        return make_header(entries, about)


def _item_size(entry: Entry) -> int:
    name, dtype, shape, num_bytes = entry
    return Stored(name, dtype, shape, 0, num_bytes).item_size


def _parts(dense: Stored, num_kept: int) -> tuple[int, int]:
    return -(-dense.num_values // 8), num_kept * dense.item_size


def pack_checkpoint(source: Path, directory: Path) -> PackedSize:
    """Store a checkpoint as masks and the values that are not zero; everything else is copied.

    What is kept is decided on bits, so expanding gives the same files, byte for byte: ``-0.0`` is
    a value and stays one, and so does every NaN. Tensors that would not get smaller stay as they
    are; of tensors with the same bits, one is stored. ``source`` is not changed, and an earlier
    packed checkpoint at ``directory`` is replaced only by a whole one.

    Args:
        source: A directory with ``*.safetensors``.
        directory: Where the packed checkpoint goes.

    Returns:
        What was saved, by kind of tensor.

    Raises:
        NoEffectError: If the packed files would not be smaller.
        CheckpointTensorsError: If a file is damaged.
        DiskFullError: If the disk is full.

    Cost:
        Reads every weight twice, in pieces; memory does not grow with the model.
    """
    plans = [plan_file(path) for path in sorted(source.glob(f"*{DENSE_SUFFIX}"))]
    size = _size(source, plans)
    if size.packed_size_bytes >= size.size_bytes:
        raise _nothing_to_gain(source, size)
    dense = {plan.path.name for plan in plans}
    with replacing(directory) as temporary:
        temporary.mkdir()
        for name in set(checkpoint_files(source)) - dense:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(source / name, temporary / name)
        for plan in plans:
            name = plan.path.name.removesuffix(DENSE_SUFFIX) + PACKED_SUFFIX
            _write_packed(plan, temporary / name)
            _verify_packed(temporary / name)
    return size


def plan_file(path: Path) -> PlannedFile:
    """Find out, for each tensor of a file, how it is stored in the fewest bytes.

    Args:
        path: A safetensors file.

    Returns:
        The plan; nothing is written.

    Raises:
        CheckpointTensorsError: If the file is damaged.
    """
    layout = read_layout(path)
    names = {tensor.name for tensor in layout.tensors}
    whole = hashlib.sha256(layout.opening)
    first: dict[object, str] = {}
    planned = []
    with path.open("rb") as file:
        for tensor in layout.tensors:
            counted = _Counted(tensor)
            for words in pieces(file, layout, tensor):
                whole.update(words.data)
                counted.add(words)
            free = not names & {tensor.name + VALUES, tensor.name + MASK}
            planned.append(counted.planned(first, may_be_masked=free))
    return PlannedFile(path, layout, whole.hexdigest(), tuple(planned))


class _Counted:
    """What is known of a tensor after its pieces were seen."""

    def __init__(self, tensor: Stored) -> None:
        self.tensor = tensor
        self.num_kept = self.num_negative_zeros = 0
        self.digest = hashlib.blake2b(digest_size=16)

    def add(self, words: Words) -> None:
        self.digest.update(words.data)
        self.num_kept += int(np.count_nonzero(words))
        if self.tensor.is_float and self.tensor.word_type:
            sign = words.dtype.type(1 << (8 * words.itemsize - 1))
            self.num_negative_zeros += int(np.count_nonzero(words == sign))

    def planned(self, first: dict[object, str], *, may_be_masked: bool) -> PlannedTensor:
        tensor = self.tensor
        masked_bytes = sum(_parts(tensor, self.num_kept)) + _ENTRY_BYTES
        is_masked = may_be_masked and tensor.word_type and masked_bytes < tensor.num_bytes
        key = (tensor.dtype, tensor.shape, self.digest.digest())
        found = first.setdefault(key, tensor.name)
        is_same = found != tensor.name and tensor.num_bytes > _ENTRY_BYTES
        return PlannedTensor(
            tensor,
            self.num_kept,
            self.num_negative_zeros,
            same_as=found if is_same else None,
            is_masked=bool(is_masked),
        )


def _size(source: Path, plans: list[PlannedFile]) -> PackedSize:
    tensors = [
        StoredSize(one.dense, one.num_kept, one.num_negative_zeros, sum(e[3] for e in one.entries))
        for plan in plans
        for one in plan.tensors
    ]
    packed = sum(parse_header(plan.header).num_bytes for plan in plans)
    dense = sum(plan.layout.num_bytes for plan in plans)
    return packed_size(dense, packed, tensors, read_config(source).get("vocab_size"))


def _nothing_to_gain(source: Path, size: PackedSize) -> NoEffectError:
    negative = size.num_negative_zeros
    return NoEffectError(
        "Could not pack the checkpoint: it would not get smaller.",
        got=f"{size.size_bytes} bytes against {size.packed_size_bytes} packed; "
        f"{size.density:.1%} of the weights in {source} are kept"
        + (f", {negative} of them are -0.0" if negative else ""),
        expected="more than about 1 weight in 30 that is exactly 0.0 (in 16 bits: 1 in 15)",
        fix="write the zeros as 0.0: weight.masked_fill_(weight == 0, 0.0), then save again"
        if negative
        else "prune it first: a recipe with the step magnitude_pruning",
    )


def _write_packed(plan: PlannedFile, target: Path) -> None:
    layout = parse_header(plan.header)
    places = {tensor.name: layout.data_start + tensor.start for tensor in layout.tensors}
    with plan.path.open("rb") as dense, target.open("wb") as packed:
        packed.write(layout.opening)
        for one in plan.tensors:
            for name, content in _contents(dense, plan.layout, one):
                packed.seek(places[name])
                places[name] += packed.write(content)


def _verify_packed(path: Path) -> None:
    """Read it back: the reader compares the digest at the end."""
    with path.open("rb") as file:
        for _ in PackedFile(path, file).content():
            pass


def _contents(file: IO[bytes], layout: Layout, one: PlannedTensor) -> Iterator[tuple[str, bytes]]:
    name = one.dense.name
    for words in () if one.same_as else pieces(file, layout, one.dense):
        if one.is_masked:
            yield name + MASK, bitmask(words).tobytes()
            yield name + VALUES, words[words != 0].tobytes()
        else:
            yield name, words.tobytes()
