"""What makes a checkpoint an embedder: pooling, prompts and the list of modules."""

import shutil
from pathlib import Path

from tinyglot.measure.weights import MODULES_FILE, module_directories

_FILES = (MODULES_FILE, "config_sentence_transformers.json", "sentence_bert_config.json")
_PATTERNS = ("*.json", "*.safetensors")


def copy_embedder_files(source: Path, target: Path) -> None:
    """Copy what sentence-transformers needs beside the model; nothing if it is no embedder.

    Args:
        source: A checkpoint.
        target: An existing directory.

    Raises:
        UnsafeCheckpointError: If a module's path leads out of the checkpoint.
    """
    modules = module_directories(source)
    if not (source / MODULES_FILE).is_file():
        return
    for name in _FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    for module in modules:
        (target / module).mkdir(parents=True, exist_ok=True)
        for pattern in _PATTERNS:
            for path in sorted((source / module).glob(pattern)):
                shutil.copyfile(path, target / module / path.name)
