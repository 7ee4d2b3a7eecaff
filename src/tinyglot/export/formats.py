"""The formats a checkpoint can be exported to, by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from tinyglot.checkpoints import load_checkpoint
from tinyglot.errors import UnknownMethodError
from tinyglot.export.onnx import check_target, export_onnx
from tinyglot.export.record import ExportRecord

Exporter = Callable[..., ExportRecord]

FORMATS: dict[str, Exporter] = {"onnx": export_onnx}


def export_format(name: str) -> Exporter:
    """Find the exporter of a format.

    Args:
        name: Such as ``onnx``.

    Returns:
        A function with the parameters of ``export_onnx``.

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
) -> ExportRecord:
    """Export a checkpoint to a file that runs without PyTorch.

    Args:
        checkpoint: A directory, ``bundled:NAME``, or a hub id.
        directory: Where the export goes: new, empty, or an earlier export.
        format: One of ``FORMATS``.
        int8: Whether to round weights to 8 bits.
        revision: Commit of a hub id.

    Returns:
        The comparison with the source, which is also in ``export.json``.

    Raises:
        UnknownMethodError: If there is no such format.
        RunDirectoryError: If the directory holds something else.
        ModelNotFoundError: If there is no such checkpoint.
        ExportError: If the model cannot be traced.
        ParityError: If the export computes something else than the model.
    """
    export = export_format(format)
    check_target(directory)
    loaded = load_checkpoint(str(checkpoint), revision=revision)
    return export(loaded.model, loaded.tokenizer, directory, int8=int8, source=loaded.source)
