"""Resume points that are complete or not there, and whose training they belong to."""

import re
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tinyglot.errors import DiskFullError, RunDirectoryError
from tinyglot.files import is_disk_full, read_json, write_json
from tinyglot.training.collator import StoredExamples, TrainingExample

_NAME = re.compile(r"checkpoint-(\d+)")
_SETTINGS = "training.json"
_STAGING = ".saving"


def newest_checkpoint(directory: Path) -> Path | None:
    """Find the newest complete resume point.

    Args:
        directory: Where the training keeps them.

    Returns:
        Its directory, or ``None`` if there is none.
    """
    found = [path for path in directory.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return max(found, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def staging_directory(directory: Path) -> Path:
    """Say where an unfinished resume point is written.

    Args:
        directory: Where the training keeps its resume points.

    Returns:
        A directory inside it, on the same file system.
    """
    return directory / _STAGING


def publish_checkpoint(directory: Path, name: str) -> None:
    """Rename a finished resume point into its place, then remove the older ones.

    A process killed at any point of this leaves at least one complete resume point.

    Args:
        directory: Where the training keeps its resume points.
        name: Such as ``checkpoint-200``.
    """
    target = directory / name
    (staging_directory(directory) / name).rename(target)
    _remove_tree(staging_directory(directory))
    for path in directory.glob("checkpoint-*"):
        if _NAME.fullmatch(path.name) and _step(path) < _step(target):
            _remove_tree(path)


@contextmanager
def cleaned_up_on_failure(directory: Path) -> Iterator[None]:
    """Remove the unfinished resume point when writing it fails.

    Args:
        directory: Where the training keeps its resume points.

    Raises:
        DiskFullError: If it failed because the disk is full.
    """
    try:
        yield
    except Exception as error:
        _remove_tree(staging_directory(directory))
        # torch.save reports a full disk as a failed stream, without saying why
        if is_disk_full(error) or "PytorchStreamWriter" in str(error):
            raise _disk_full(directory) from error
        raise


def _disk_full(directory: Path) -> DiskFullError:
    free = shutil.disk_usage(directory).free
    return DiskFullError(
        "Could not write a resume point: the disk is full.",
        got=f"{free / 2**20:.0f} MiB free in {directory}",
        expected="room for three times the trained weights",
        fix="free some space and run again: it goes on from the last complete resume point",
    )


def _remove_tree(path: Path) -> None:
    """Remove a directory so that a process killed meanwhile leaves no resume point half there."""
    if not path.exists():
        return
    doomed = path.with_name(f".{path.name.lstrip('.')}.old")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)


def check_settings(directory: Path, settings: dict[str, Any]) -> None:
    """Refuse a directory whose resume points belong to another training.

    Args:
        directory: Where a training keeps its resume points.
        settings: Everything that decides the trained weights, as JSON values.

    Raises:
        RunDirectoryError: If the directory has resume points of other settings.
    """
    path = directory / _SETTINGS
    found = read_json(path) if path.exists() else settings
    if found != settings:
        different = sorted(k for k in {*found, *settings} if found.get(k) != settings.get(k))
        raise RunDirectoryError(
            "Could not resume the training: the directory belongs to another one.",
            got="; ".join(f"{key} was {found.get(key)}" for key in different),
            expected="; ".join(f"{key} {settings.get(key)}" for key in different),
            fix=f"give another directory, or delete {directory}",
        )


def claim_directory(directory: Path, settings: dict[str, Any]) -> None:
    """Note whose training a directory belongs to; refuse one that belongs to another.

    Leftovers of a resume point that was being written or removed are cleared away.

    Args:
        directory: Where the training keeps its resume points; made if it is not there.
        settings: Everything that decides the trained weights, as JSON values.

    Raises:
        RunDirectoryError: If the directory has resume points of other settings.
    """
    check_settings(directory, settings)
    for leftover in (staging_directory(directory), *directory.glob(".checkpoint-*.old")):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.rmtree(directory / ".saving.old", ignore_errors=True)
    write_settings(directory, settings)


def write_settings(directory: Path, settings: dict[str, Any]) -> None:
    """Note what decided the resume points of a directory.

    Args:
        directory: Where they are.
        settings: Everything that decides the trained weights, as JSON values.
    """
    write_json(directory / _SETTINGS, settings)


def examples_digest(examples: Iterable[TrainingExample] | StoredExamples) -> str:
    """Condense training examples to a short text that differs when they do.

    Args:
        examples: In their order; stored ones know theirs, and are not read.

    Returns:
        Eight hexadecimal digits.
    """
    if isinstance(examples, StoredExamples):
        return examples.digest
    digest = 0
    for example in examples:
        types = getattr(example, "token_type_ids", None)
        types = () if types is None else types
        ids = np.asarray([len(example.input_ids), *example.input_ids, *example.labels, *types])
        digest = zlib.crc32(ids.astype("<i8").tobytes(), digest)
    return f"{digest:08x}"


def weights_digest(model: nn.Module) -> str:
    """Condense weights to a short text that differs when they do.

    Args:
        model: Any module.

    Returns:
        Eight hexadecimal digits.
    """
    digest = 0
    for parameter in model.parameters():
        values = parameter.detach().cpu().contiguous().view(-1).float().numpy()
        digest = zlib.crc32(values.tobytes(), digest)
    return f"{digest:08x}"
