"""Which files of a directory are a model's weights."""

from pathlib import Path, PurePosixPath

from tinyglot.errors import ModelNotFoundError, UnsafeCheckpointError
from tinyglot.files import read_json

MODULES_FILE = "modules.json"
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


def module_directories(checkpoint: Path) -> tuple[str, ...]:
    """List the directories of a sentence-transformers checkpoint's modules.

    Args:
        checkpoint: Any directory.

    Returns:
        Paths relative to it; empty if it is no sentence-transformers checkpoint.

    Raises:
        UnsafeCheckpointError: If a path leads out of the checkpoint.
    """
    if not (checkpoint / MODULES_FILE).is_file():
        return ()
    paths = [str(module["path"]) for module in read_json(checkpoint / MODULES_FILE)]
    outside = [path for path in paths if _leads_out(path)]
    if outside:
        raise UnsafeCheckpointError(
            "Could not use the embedder's modules: a path leads out of the checkpoint.",
            got=f"{outside[0]} in {checkpoint / MODULES_FILE}",
            expected="directories in the checkpoint, such as 1_Pooling",
            fix="correct modules.json if you trust the checkpoint",
        )
    return tuple(path for path in paths if path)


def _leads_out(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts
