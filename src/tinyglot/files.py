"""Writing that is never half done: beside its place, then renamed; and a lock for directories."""

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tinyglot.errors import DiskFullError, RunDirectoryError

_TEMPORARY = ".{name}.{process}.tmp"
_OLD = ".{name}.{process}.old"
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.\d+\.(?P<kind>tmp|old)")


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
    replaced. When the block fails, the temporary is removed and the target is untouched. Files
    get the permissions that the process's umask gives new files.

    Args:
        path: The final place. Its parent directories are made.

    Yields:
        A path in the same directory, not existing yet.

    Raises:
        DiskFullError: If the disk is full while writing.
    """
    with _temporary(path) as temporary:
        yield temporary
        _give_usual_permissions(temporary)
        _move_into_place(temporary, path)


@contextmanager
def written_once(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it there unless another process was first.

    For what every process would write alike: what is there stays as it is, so that it can be read
    by others all the time.

    Args:
        path: The final place of a directory that holds something. Its parents are made.

    Yields:
        A path in the same directory, not existing yet; the block must make a directory of it.

    Raises:
        DiskFullError: If the disk is full while writing.
    """
    with _temporary(path) as temporary:
        yield temporary
        _move_unless_there(temporary, path)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a path beside another; whatever the block leaves there is removed."""
    temporary = _beside(path, _TEMPORARY)
    with disk_full_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        try:
            yield temporary
        finally:
            _remove(temporary)


def _move_unless_there(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _beside(path: Path, pattern: str) -> Path:
    return path.with_name(pattern.format(name=path.name, process=os.getpid()))


@contextmanager
def disk_full_explained(path: Path) -> Iterator[None]:
    """Turn any error that means a full disk into one that says so.

    Args:
        path: What is being written.

    Raises:
        DiskFullError: If the block failed for want of room.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if is_disk_full(error):
            raise _disk_full(path) from error
        raise


def is_disk_full(error: BaseException) -> bool:
    """Recognise a full disk, also where a Rust library only gives its text."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in str(error)


def _disk_full(path: Path) -> DiskFullError:
    there = next(parent for parent in path.absolute().parents if parent.exists())
    return DiskFullError(
        f"Could not write {path.name}: the disk is full.",
        got=f"{shutil.disk_usage(there).free / 2**20:.0f} MiB free in {there}",
        expected="room for the whole file",
        fix="free some space or choose another --out; nothing was left half-written",
    )


def link_tree(source: Path, target: Path) -> None:
    """Copy a directory, by hard links where the file system has them.

    Only for files that nothing changes in place: all that is written here is written anew and
    renamed. Not done in one step: give a path that ``replacing`` or ``written_once`` gave.

    Args:
        source: A directory; stays as it is.
        target: Not there yet.
    """
    shutil.copytree(source, target, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _give_usual_permissions(path: Path) -> None:
    """Undo the mode 600 that some libraries write with."""
    mask = os.umask(0o077)
    os.umask(mask)
    files = (found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for file in files:
        file.chmod(0o666 & ~mask)


def _move_into_place(temporary: Path, path: Path) -> None:
    if path.is_dir():
        old = _beside(path, _OLD)
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


def refuse_occupied(directory: Path, purpose: str) -> None:
    """Refuse a directory that writing there would take something away from.

    Args:
        directory: Where something shall go.
        purpose: What could not be done, such as ``export``.

    Raises:
        RunDirectoryError: If it is a file, or holds anything.
    """
    if not directory.exists():
        return
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else ["a file"]
    if names:
        raise RunDirectoryError(
            f"Could not {purpose}: the directory holds something else.",
            got=f"{directory} with {', '.join(names[:4])}{' …' if len(names) > 4 else ''}",
            expected="a new or empty directory, or what the same command wrote before",
            fix=f"give another --out, such as {directory / purpose.split()[0]}",
        )


def clear_leftovers(directory: Path) -> None:
    """Remove what killed processes were writing; put back what they were about to replace.

    Args:
        directory: Held by this process, so that no other is writing there.
    """
    for path in sorted(directory.rglob(".*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found is None or not path.exists():
            continue
        target = path.with_name(found["name"])
        if found["kind"] == "old" and not target.exists():
            path.rename(target)
        else:
            _remove(path)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory for one process; the lock goes with the process, however it ends.

    Args:
        directory: The run directory; made if it is not there.

    Raises:
        RunDirectoryError: If another process holds it, or nothing can be written there.
        DiskFullError: If the disk is full.
    """
    with disk_full_explained(directory), _open_lock(directory) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _in_use(directory, handle) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _open_lock(directory: Path) -> IO[str]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / ".lock").open("a+")
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise RunDirectoryError(
            "Could not use the output directory: it cannot be written.",
            got=f"{directory} ({error.strerror})",
            expected="a directory that you may write, or a path where one can be made",
            fix="give another --out",
        ) from error


def _in_use(directory: Path, handle: IO[str]) -> RunDirectoryError:
    handle.seek(0)
    return RunDirectoryError(
        "Could not use the output directory: another run is writing to it.",
        got=f"{directory} (process {handle.read().strip() or 'unknown'})",
        expected="a directory that no other run holds",
        fix="wait for that run, or give another --out",
    )
