"""Expanding a packed checkpoint into the files that it was made from, byte for byte."""

from pathlib import Path
from shutil import copyfile
from typing import Any, NamedTuple

from tinyglot.checkpoints.packed_file import PackedFile
from tinyglot.checkpoints.packed_format import DENSE_SUFFIX, PACKED_SUFFIX, is_packed
from tinyglot.checkpoints.push import checkpoint_files
from tinyglot.checkpoints.tensor_file import Layout
from tinyglot.errors import ModelNotFoundError, PackedCheckpointError
from tinyglot.files import refuse_occupied, replacing


class Expanded(NamedTuple):
    """What expanding gave.

    Attributes:
        size_bytes: Of the dense weight files.
        packed_size_bytes: Of the packed ones.
        num_tensors: In the dense files.
    """

    size_bytes: int
    packed_size_bytes: int
    num_tensors: int

    def as_dict(self) -> dict[str, Any]:
        """Give the numbers as JSON values.

        Returns:
            One entry a field.
        """
        return self._asdict()

    def summary(self) -> str:
        """Say the sizes in one line.

        Returns:
            Such as ``448.3 MiB from 60.0 MiB, 199 tensors, every byte as it was``.
        """
        sizes = f"{self.size_bytes / 2**20:.1f} MiB from {self.packed_size_bytes / 2**20:.1f} MiB"
        return f"{sizes}, {self.num_tensors} tensors, every byte as it was"


def expand_checkpoint(source: Path, directory: Path) -> Expanded:
    """Write the dense checkpoint that a packed one was made from, byte for byte.

    The digest of every file is compared with that of the file that was packed. Nothing appears at
    ``directory`` before all of them are right.

    Args:
        source: A directory that ``tinyglot export --format sparse`` wrote.
        directory: Where the dense checkpoint goes: new or empty.

    Returns:
        Bytes before and after.

    Raises:
        ModelNotFoundError: If there is no such directory.
        PackedCheckpointError: If the checkpoint is not packed, or in another version.
        CheckpointTensorsError: If a file is damaged, or does not fit itself.
        RunDirectoryError: If the directory holds something.
        DiskFullError: If the disk is full.

    Cost:
        Reads and writes in pieces; memory does not grow with the model.
    """
    _check_source(source)
    refuse_occupied(directory, "expand the checkpoint")
    packed = sorted(source.glob(f"*{PACKED_SUFFIX}"))
    with replacing(directory) as temporary:
        temporary.mkdir()
        for name in set(checkpoint_files(source)) - {path.name for path in packed}:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            copyfile(source / name, temporary / name)
        layouts = [_expand_file(path, temporary) for path in packed]
    return Expanded(
        size_bytes=sum(layout.num_bytes for layout in layouts),
        packed_size_bytes=sum(path.stat().st_size for path in packed),
        num_tensors=sum(len(layout.tensors) for layout in layouts),
    )


def _check_source(source: Path) -> None:
    if not source.is_dir():
        raise ModelNotFoundError(
            "Could not expand the checkpoint: there is no such directory.",
            got=str(source),
            expected="a directory that tinyglot export --format sparse wrote",
            fix="check the path",
        )
    if not is_packed(source):
        raise PackedCheckpointError(
            "Could not expand the checkpoint: it is not packed.",
            got=f"{source} without *{PACKED_SUFFIX}",
            expected="a directory that tinyglot export --format sparse wrote",
            fix="use the directory as it is, if it holds model.safetensors",
        )


def _expand_file(path: Path, directory: Path) -> Layout:
    target = directory / (path.name.removesuffix(PACKED_SUFFIX) + DENSE_SUFFIX)
    with path.open("rb") as file, target.open("wb") as dense:
        packed = PackedFile(path, file)
        for piece in packed.content():
            dense.write(piece)
    return packed.dense
