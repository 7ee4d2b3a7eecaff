"""The formats a checkpoint can be exported to, by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from tinyglot.checkpoints import load_checkpoint
from tinyglot.checkpoints.packed_size import PackedSize
from tinyglot.errors import UnknownMethodError
from tinyglot.export.onnx import check_target, export_onnx
from tinyglot.export.openvino import export_openvino
from tinyglot.export.record import ExportRecord
from tinyglot.export.sparse import check_no_int8, export_sparse
from tinyglot.export.stock import PaddedCheckpoint, export_stock

Exporter = Callable[..., ExportRecord | PackedSize | PaddedCheckpoint]


def _export_onnx(
    checkpoint: str | Path, directory: Path, *, int8: bool, revision: str | None
) -> ExportRecord:
    check_target(directory)
    loaded = load_checkpoint(str(checkpoint), revision=revision)
    return export_onnx(loaded.model, loaded.tokenizer, directory, int8=int8, source=loaded.source)


def _export_openvino(
    checkpoint: str | Path, directory: Path, *, int8: bool, revision: str | None
) -> ExportRecord:
    check_no_int8("openvino", int8=int8)
    check_target(directory)
    loaded = load_checkpoint(str(checkpoint), revision=revision)
    return export_openvino(loaded.model, loaded.tokenizer, directory, source=loaded.source)


FORMATS: dict[str, Exporter] = {
    "onnx": _export_onnx,
    "openvino": _export_openvino,
    "sparse": export_sparse,
    "stock": export_stock,
}


def export_format(name: str) -> Exporter:
    """Find the exporter of a format.

    Args:
        name: Such as ``onnx``.

    Returns:
        A function with the parameters of ``export_checkpoint``, without ``format``.

    Raises:
        UnknownMethodError: If there is no such format.
    """
    if name in FORMATS:
        return FORMATS[name]
    close = difflib.get_close_matches(name, FORMATS, n=1)
    raise UnknownMethodError(
        "Could not export: there is no such format.",
        got=name,
        expected=", ".join(FORMATS) + (f" (did you mean {close[0]}?)" if close else ""),
        fix=f"--format {(close or list(FORMATS))[0]}",
    )


def export_checkpoint(
    checkpoint: str | Path,
    directory: Path,
    *,
    format: str = "onnx",
    int8: bool = False,
    revision: str | None = None,
) -> ExportRecord | PackedSize | PaddedCheckpoint:
    """Export a checkpoint to a file that runs without PyTorch, takes less room, or is ordinary.

    Args:
        checkpoint: A directory, ``bundled:NAME``, or a hub id.
        directory: Where the export goes: new, empty, or an earlier export.
        format: One of ``FORMATS``.
        int8: Whether to round weights to 8 bits; for ``onnx``.
        revision: Commit of a hub id.

    Returns:
        For ``onnx`` and ``openvino``, the comparison with the source, which is also in
        ``export.json``; for ``sparse``, the bytes before and after; for ``stock``, the parameters.

    Raises:
        UnknownMethodError: If there is no such format.
        RunDirectoryError: If the directory holds something else.
        ModelNotFoundError: If there is no such checkpoint.
        ExportError: If the model cannot be traced, or the format has no ``int8``.
        ParityError: If the export computes something else than the model.
        NoEffectError: If ``sparse`` would not make it smaller, or ``stock`` not change it.
    """
    export = export_format(format)
    return export(checkpoint, directory, int8=int8, revision=revision)
