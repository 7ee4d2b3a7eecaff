"""What makes a checkpoint a sentence-transformers one: its modules, pooling and prompts."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tinyglot.errors import UnsafeCheckpointError
from tinyglot.files import read_json

MODULES_FILE = "modules.json"
_SETTINGS = ("sentence_bert_config.json", "config_sentence_transformers.json")
_ANY_WIDTH = ("Transformer", "Pooling", "Normalize", "Dropout")
_COPIED = (".json", ".safetensors")
_PICKLED = (".bin", ".pt", ".pth", ".pkl")


def is_embedder(directory: Path) -> bool:
    """Tell whether a directory is a sentence-transformers one.

    Args:
        directory: A checkpoint.

    Returns:
        Whether it has ``modules.json``.
    """
    return (directory / MODULES_FILE).is_file()


def module_directories(checkpoint: Path) -> tuple[str, ...]:
    """List the directories of a sentence-transformers checkpoint's modules.

    Args:
        checkpoint: Any directory.

    Returns:
        Paths relative to it; empty if it is no sentence-transformers checkpoint.

    Raises:
        UnsafeCheckpointError: If a path leads out of the checkpoint.
    """
    if not is_embedder(checkpoint):
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


def modules_of_fixed_width(checkpoint: Path) -> tuple[str, ...]:
    """List the modules of an embedder that take one hidden size only, such as Dense.

    Args:
        checkpoint: Any directory.

    Returns:
        Names as in ``modules.json``; empty if it is no sentence-transformers checkpoint.
    """
    if not is_embedder(checkpoint):
        return ()
    modules = read_json(checkpoint / MODULES_FILE)
    kinds = {str(m["path"] or m["name"]): str(m["type"]).rpartition(".")[2] for m in modules}
    return tuple(name for name, kind in kinds.items() if kind not in _ANY_WIDTH)


def _leads_out(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def copy_embedder_files(source: Path, target: Path) -> None:
    """Copy what sentence-transformers needs beside the model; nothing if it is no embedder.

    Args:
        source: A checkpoint.
        target: An existing directory.

    Raises:
        UnsafeCheckpointError: If a module's path leads out of the checkpoint, or a module has
            only pickled weights.
    """
    if not is_embedder(source):
        return
    for name in (MODULES_FILE, *_SETTINGS):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    for module in module_directories(source):
        # a module without files, such as Normalize, has no directory on the hub
        (target / module).mkdir(parents=True, exist_ok=True)
        for path in _module_files(source / module):
            shutil.copyfile(path, target / module / path.name)


def _module_files(module: Path) -> Iterator[Path]:
    files = sorted(module.iterdir()) if module.is_dir() else []
    pickled = [path.name for path in files if path.suffix in _PICKLED]
    if pickled and not any(path.suffix == ".safetensors" for path in files):
        raise UnsafeCheckpointError(
            "Could not copy a module of the embedder: no safetensors weights.",
            got=f"{', '.join(pickled)} in {module}",
            expected="*.safetensors (pickled weights can run code while they load)",
            fix="if you trust the file, load it once with SentenceTransformer(DIRECTORY) and call "
            "save(NEW_DIRECTORY)",
        )
    yield from (path for path in files if path.suffix in _COPIED)
