"""What a checkpoint that names code of its own may name: nothing but our copy of ``slim.py``."""

import hashlib
from pathlib import Path
from typing import Any

import transformers
from transformers import CONFIG_MAPPING

from tinyglot.architectures import slim
from tinyglot.errors import CheckpointTensorsError, UnsafeCheckpointError

# sha256 of each slim.py whose copies may be in checkpoints; the last is the present one
COPIES = (
    "0c1e22c5de08820526e1eff995f01a65e4f3bc456f2351819a3a25b7fae4deb1",
    "287c220678bda7e130edf24c60100981e9227ef75d5ecb55ae1d3d474186c12e",
    "b15f024f0ca9fcda246fc701f785e75c652e63a036cd9b3e50b1f48334976e3b",
)


def model_class(config: dict[str, Any]) -> Any:  # noqa: ANN401  (a class of transformers)
    """Find the class that a configuration names; no code of the checkpoint runs.

    Args:
        config: A ``config.json`` that passed ``check_own_code``.

    Returns:
        A class of transformers, or a slim one of ours.
    """
    name = _class_name(config)
    if name.startswith(slim.PREFIX):
        return getattr(slim, name)
    return getattr(transformers, name, transformers.AutoModel)


def check_own_code(directory: Path, config: dict[str, Any]) -> None:
    """Refuse a checkpoint that computes with code of its own, unless that code is ours.

    Args:
        directory: The checkpoint.
        config: Its ``config.json``.

    Raises:
        UnsafeCheckpointError: If its class is neither one of transformers nor a slim one, or the
            file with the slim class is byte-equal to none of ours.
        CheckpointTensorsError: If the sizes of a slim model are no sizes.
    """
    name = _class_name(config)
    if name.startswith(slim.PREFIX):
        _check_slim(directory, config, name)
    elif "auto_map" in config and not hasattr(transformers, name or "-"):
        raise _refusal(directory, f"auto_map in {directory / 'config.json'}, class {name or '-'!r}")
    elif "auto_map" in config and config.get("model_type") not in CONFIG_MAPPING:
        kind = config.get("model_type")
        raise _refusal(directory, f"auto_map in {directory / 'config.json'}, model_type {kind!r}")


def _class_name(config: dict[str, Any]) -> str:
    return str((config.get("architectures") or [""])[0])


def _check_slim(directory: Path, config: dict[str, Any], name: str) -> None:
    if not hasattr(slim, name):
        raise _refusal(directory, f"class {name!r} in {directory / 'config.json'}")
    module = slim.MODELING_FILE.removesuffix(".py")
    copy = directory / slim.MODELING_FILE
    named = sorted(map(str, (config.get("auto_map") or {}).values()))
    if not copy.is_file():  # transformers puts the repository before the class where it has no copy
        named = [value.rpartition("--")[2] for value in named]
    foreign = [value for value in named if value.partition(".")[0] != module]
    if foreign:
        raise _refusal(directory, f"{foreign[0]!r} in auto_map")
    if copy.is_file() and hashlib.sha256(copy.read_bytes()).hexdigest() not in COPIES:
        raise _refusal(directory, f"{copy.name}, which is no file of tinyglot")
    _check_sizes(config)


def _check_sizes(config: dict[str, Any]) -> None:
    sizes = config.get("slim")
    layers = config.get("num_hidden_layers", config.get("n_layers"))
    needed = dict.fromkeys(("heads", "ffn"))
    lists = [*{**needed, **sizes}.values()] if isinstance(sizes, dict) else []
    if not lists or not all(_are_sizes(one, layers) for one in lists):
        raise CheckpointTensorsError(
            "Could not load the model: its configuration does not say the sizes of its layers.",
            got=f"slim: {sizes}",
            expected=f"heads and ffn, each a list of {layers} numbers from 1, and adapters if any",
            fix="copy or download the checkpoint again",
        )


def _are_sizes(values: object, layers: object) -> bool:
    is_list = isinstance(values, list) and len(values) == layers
    return is_list and all(type(value) is int and value > 0 for value in values)  # type: ignore[attr-defined]  # a list


def _refusal(directory: Path, got: str) -> UnsafeCheckpointError:
    return UnsafeCheckpointError(
        "Could not load the model: it wants to run code of its own.",
        got=got,
        expected=f"a model class of transformers, or tinyglot's own {slim.MODELING_FILE}",
        fix="if you trust the code, load it once with trust_remote_code=True and save it with a "
        f"class of transformers; for a slim model, update tinyglot or remove {slim.MODELING_FILE} "
        f"from {directory.name}",
    )
