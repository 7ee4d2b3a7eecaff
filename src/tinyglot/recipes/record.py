"""What a finished step leaves behind: what was done, to what, and what came out; no times."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinyglot.checkpoints.zeros import count_zero_weights
from tinyglot.files import read_json, write_json
from tinyglot.measure import size_of_checkpoint
from tinyglot.methods.registry import get_method
from tinyglot.recipes.run import Run


def write_record(run: Run, position: int, source: Path) -> None:
    """Write ``record.json``, which makes a step a finished one.

    Args:
        run: The run.
        position: Of the step, from 0.
        source: The checkpoint that the step began with.
    """
    directory = run.step_directory(position)
    method = get_method(run.recipe.steps[position].method)
    facts = directory / "work" / "facts.json"
    record: dict[str, Any] = {
        "method": method.name,
        "version": method.version,
        "tinyglot": version("tinyglot"),
        "config": run.recipe.steps[position].model_dump(mode="json"),
        "plan_sha256": sha256_of(directory / "plan.json"),
        "tokenizer_sha256": sha256_of(directory / "checkpoint" / "tokenizer.json"),
        "facts": read_json(facts) if facts.exists() else {},
        **_weights(directory / "checkpoint"),
        **{f"source_{key}": value for key, value in _source_weights(run, position, source).items()},
    }
    write_json(directory / "record.json", record)


def _weights(checkpoint: Path) -> dict[str, Any]:
    zeros = count_zero_weights(checkpoint)
    size = {**size_of_checkpoint(checkpoint).as_dict(), "num_zero_weights": zeros}
    return {"weights_sha256": weights_sha256(checkpoint), "size": size}


def _source_weights(run: Run, position: int, source: Path) -> dict[str, Any]:
    if position == 0:
        return _weights(source)
    before = read_json(run.step_directory(position - 1) / "record.json")
    return {key: before[key] for key in ("weights_sha256", "size")}


def weights_sha256(checkpoint: Path) -> str:
    """Hash all weight files of a checkpoint, in the order of their names.

    Args:
        checkpoint: A directory with ``*.safetensors``.

    Returns:
        64 hex digits.
    """
    parts = [sha256_of(path) for path in sorted(checkpoint.glob("*.safetensors"))]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Hash one file.

    Args:
        path: Any file.

    Returns:
        64 hex digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
