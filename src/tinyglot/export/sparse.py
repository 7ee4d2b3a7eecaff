"""Masks and values in place of weights with many zeros: smaller at rest, expanded before use."""

from pathlib import Path

from tinyglot.checkpoints.locate import locate_checkpoint
from tinyglot.checkpoints.packed import pack_checkpoint
from tinyglot.checkpoints.packed_format import is_packed
from tinyglot.checkpoints.packed_size import PackedSize
from tinyglot.errors import ExportError
from tinyglot.files import refuse_occupied


def export_sparse(
    checkpoint: str | Path, directory: Path, *, int8: bool = False, revision: str | None = None
) -> PackedSize:
    """Write a checkpoint with a bit for each weight and only the weights that are not zero.

    Args:
        checkpoint: A directory, ``bundled:NAME``, or a hub id.
        directory: Where the packed checkpoint goes: new, empty, or an earlier one.
        int8: Not for this format.
        revision: Commit of a hub id.

    Returns:
        What was saved, by kind of tensor.

    Raises:
        ExportError: If ``int8`` is asked for.
        RunDirectoryError: If the directory holds something else.
        ModelNotFoundError: If there is no such checkpoint.
        PackedCheckpointError: If it is packed already.
        NoEffectError: If it would not get smaller.
        CheckpointTensorsError: If a weight file is damaged.
    """
    check_no_int8("sparse", int8=int8)
    if not is_packed(directory):
        refuse_occupied(directory, "export")
    return pack_checkpoint(locate_checkpoint(str(checkpoint), revision), directory)


def check_no_int8(format: str, *, int8: bool) -> None:
    """Refuse to round weights for a format that keeps every bit of them.

    Args:
        format: Its name.
        int8: Whether that was asked for.

    Raises:
        ExportError: If it was.
    """
    if int8:
        raise ExportError(
            "Could not export: this format keeps every bit of the weights.",
            got=f"--format {format} --int8",
            expected="one of the two",
            fix="leave --int8 out, or use --format onnx --int8",
        )
