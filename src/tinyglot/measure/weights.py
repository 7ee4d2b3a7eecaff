"""Which files of a directory are a model's weights."""

from pathlib import Path

from tinyglot.checkpoints.embedder import module_directories
from tinyglot.errors import ModelNotFoundError

_EXPORT_PATTERNS = ("*.onnx", "*.onnx.data", "model.xml", "model.bin")


def weight_files(directory: Path) -> tuple[Path, ...]:
    """List a model's weight files: of an export its graph and its data, else its safetensors.

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
    graph = [path for pattern in _EXPORT_PATTERNS for path in directory.glob(pattern)]
    if graph:
        folders = folders[1:]
    found = graph + [path for folder in folders for path in folder.glob("*.safetensors")]
    if not found:
        raise ModelNotFoundError(
            "Could not measure: there are no weight files.",
            got=str(directory),
            expected="*.safetensors, *.onnx, or model.xml",
            fix="give a checkpoint directory or an export directory",
        )
    return tuple(sorted(found))
