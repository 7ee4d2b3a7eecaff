"""From the name a user gives to a local directory that is safe to load."""

from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from tinyglot.architectures.slim import MODELING_FILE
from tinyglot.checkpoints.bundled import bundled_path
from tinyglot.checkpoints.own_code import check_own_code
from tinyglot.checkpoints.packed_format import refuse_packed
from tinyglot.errors import CheckpointTensorsError, ModelNotFoundError, UnsafeCheckpointError
from tinyglot.files import read_json

BUNDLED_PREFIX = "bundled:"
_FILES = [
    *("*.json", "*.safetensors", "*.txt", "*.model", "*/config.json", "*/*.safetensors"),
    MODELING_FILE,  # compared with ours, never run
]


def locate_checkpoint(name: str, revision: str | None = None) -> Path:
    """Find a checkpoint directory; download it if the name is a hub id.

    Args:
        name: ``bundled:NAME``, a local directory, or a hub id.
        revision: Commit of a hub id; ignored elsewhere.

    Returns:
        A directory with ``config.json`` and safetensors weights.

    Raises:
        ModelNotFoundError: If it is none of the three, or cannot be reached.
        UnsafeCheckpointError: If its weights are only pickled.
        PackedCheckpointError: If it is packed.
    """
    if name.startswith(BUNDLED_PREFIX):
        return bundled_path(name.removeprefix(BUNDLED_PREFIX))
    directory = Path(name)
    if not directory.exists():
        directory = _download(name, revision)
    _check_contents(directory)
    return directory


def _download(name: str, revision: str | None) -> Path:
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelNotFoundError(
            "Could not find the model.",
            got=f"{name}{f' at {revision}' if revision else ''} ({type(error).__name__})",
            expected="bundled:multilingual-e5-small, a checkpoint directory, or a reachable hub id",
            fix="check the spelling and the network, or download the model and give its directory",
        ) from error


def _check_contents(directory: Path) -> None:
    if not (directory / "config.json").is_file():
        raise ModelNotFoundError(
            "Could not load the model: there is no config.json.",
            got=f"{directory} with {_listing(directory)}",
            expected="a checkpoint directory (config.json, model.safetensors, tokenizer.json)",
            fix=_directory_hint(directory),
        )
    refuse_packed(directory)
    if not any(directory.glob("*.safetensors")):
        _refuse_pickle(directory)


def _listing(directory: Path) -> str:
    if directory.is_file():
        return "no files: it is a file itself"
    names = sorted(path.name for path in directory.iterdir())
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "") if names else "no files"


def _directory_hint(directory: Path) -> str:
    final = directory / "final"
    if (final / "config.json").is_file():
        return f"give {final}: the run directory's checkpoint is in there"
    return "give the directory that save_pretrained wrote"


def _refuse_pickle(directory: Path) -> None:
    pickles = sorted(path.name for path in directory.glob("*.bin"))
    raise UnsafeCheckpointError(
        "Could not load the model: no safetensors weights.",
        got=", ".join(pickles) if pickles else f"no weight file in {directory}",
        expected="*.safetensors (pickled weights can run code while they load)",
        fix="if you trust the file, load it once with transformers and call "
        "model.save_pretrained(DIRECTORY)",
    )


def read_config(directory: Path) -> dict[str, Any]:
    """Read ``config.json`` of a checkpoint, refusing one that wants to run its own code.

    Args:
        directory: The checkpoint.

    Returns:
        The configuration as it stands in the file.

    Raises:
        CheckpointTensorsError: If the file is damaged.
        UnsafeCheckpointError: If its class is neither one of transformers nor our slim one.
    """
    config = _read_mapping(directory / "config.json")
    check_own_code(directory, config)
    return config


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except (TypeError, ValueError) as error:
        raise CheckpointTensorsError(
            "Could not load the model: its configuration is damaged.",
            got=f"{path} ({error})",
            expected="a JSON object",
            fix="copy or download the checkpoint again",
        ) from error
