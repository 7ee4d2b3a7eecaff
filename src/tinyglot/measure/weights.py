"""Which files of a directory are a model's weights."""

from pathlib import Path

from tinyglot.checkpoints.embedder import module_directories
from tinyglot.errors import ModelNotFoundError

_ONNX_PATTERNS = ("*.onnx", "*.onnx.data")


def weight_files(directory: Path) -> tuple[Path, ...]:
    """List a model's weight files: of an export its ONNX files, else its safetensors.

    Args:
        directory: A checkpoint or an export. The modules of a sentence-transformers checkpoint
            belong to it.

    Returns:
        At least one file, sorted.

    Raises:
        ModelNotFoundError: If there is none.
        UnsafeCheckpointError: If a module's path leads out of the checkpoint.
    """
    folders = [directory, *(directory / module for module in module_directories(directory))]
    onnx = [path for pattern in _ONNX_PATTERNS for path in directory.glob(pattern)]
    if onnx:
        folders = folders[1:]
    found = onnx + [path for folder in folders for path in folder.glob("*.safetensors")]
    if not found:
        raise ModelNotFoundError(
            "Could not measure: there are no weight files.",
            got=str(directory),
            expected="*.safetensors, or *.onnx",
            fix="give a checkpoint directory or an export directory",
        )
    return tuple(sorted(found))
