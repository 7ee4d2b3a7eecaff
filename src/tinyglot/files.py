"""Writing that is never half done: beside its place, then renamed; and a lock for run directories."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinyglot.errors import DiskFullError, RunDirectoryError


def cache_directory() -> Path:
    """Say where unpacked models and made corpora are kept.

    Returns:
        ``$TINYGLOT_CACHE``, else ``~/.cache/tinyglot``.
    """
    root = os.environ.get("TINYGLOT_CACHE")
    return Path(root) if root else Path.home() / ".cache" / "tinyglot"


def write_text(path: Path, text: str) -> None:
    """Replace a file's content in one step; an interrupted call leaves the old content."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401  (any JSON value)
    """Write sorted, indented JSON with a closing newline, in one step."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401  (any JSON value)
    """Read a UTF-8 JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it there when the block ends well.

    Works for files and for directories (which the block must create). An existing target is
    replaced. When the block fails, the temporary is removed and the target is untouched.

    Args:
        path: The final place. Its parent directories are made.

    Yields:
        A path in the same directory, not existing yet.

    Raises:
        DiskFullError: If the disk is full while writing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(temporary)
    try:
        yield temporary
        _move_into_place(temporary, path)
    except Exception as error:
        _remove(temporary)
        if is_disk_full(error):
            raise _disk_full(path) from error
        raise
    except BaseException:
        _remove(temporary)
        raise


def is_disk_full(error: BaseException) -> bool:
    """Recognise a full disk, also where a Rust library only gives its text."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in str(error)


def _disk_full(path: Path) -> DiskFullError:
    free = shutil.disk_usage(path.parent).free
    return DiskFullError(
        f"Could not write {path.name}: the disk is full.",
        got=f"{free / 2**20:.0f} MiB free in {path.parent}",
        expected="room for the whole file",
        fix="free some space or choose another --out; nothing was left half-written",
    )


def _move_into_place(temporary: Path, path: Path) -> None:
    if path.is_dir():
        old = path.with_name(f".{path.name}.{os.getpid()}.old")
        path.rename(old)
        temporary.rename(path)
        _remove(old)
    else:
        temporary.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory for one process; the lock goes with the process, however it ends.

    Args:
        directory: The run directory; made if it is not there.

    Raises:
        RunDirectoryError: If another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(directory, handle) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _in_use(directory: Path, handle: Any) -> RunDirectoryError:  # noqa: ANN401  (a text file)
    handle.seek(0)
    return RunDirectoryError(
        "Could not use the output directory: another run is writing to it.",
        got=f"{directory} (process {handle.read().strip() or 'unknown'})",
        expected="a directory that no other run holds",
        fix="wait for that run, or give another --out",
    )
