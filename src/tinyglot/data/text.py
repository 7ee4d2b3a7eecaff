"""Text as a stream of lines, whatever files, containers and compressions it comes in."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Protocol

from tinyglot.data.text_files import SUFFIXES, is_text_file, read_text_file
from tinyglot.errors import DataNotFoundError, EmptyTextError

_POOL_LINES_PER_SAMPLE = 50
_HASH_BYTES = 8
_NUM_HASHES = 2.0 ** (8 * _HASH_BYTES)


@dataclass(frozen=True)
class TextSource:
    """Text files to be read line by line, as often as wanted.

    Plain text has one line a sentence or paragraph; JSON lines and parquet have the field
    ``text`` or ``content``, of which every line counts. Text is given as it is (no Unicode
    normalisation); lines without content are dropped.

    Attributes:
        paths: Files and directories. A directory stands for all text files in it and below,
            hidden ones excepted; its other files are passed over.
        files: The files that will be read: as given, those of a directory sorted by name.

    Raises:
        DataNotFoundError: If a path is not there, or a directory has no text file.
    """

    paths: tuple[Path, ...]
    files: tuple[Path, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        missing = [str(path) for path in self.paths if not path.exists()]
        if missing or not self.paths:
            raise _not_found("no such file or directory", got="\n".join(missing) or "no path")
        found = tuple(file for path in self.paths for file in _text_files(path))
        object.__setattr__(self, "files", found)

    @property
    def num_bytes(self) -> int:
        """Add up the sizes of the files as they lie on the disk, compressed or not."""
        return sum(file.stat().st_size for file in self.files)

    def lines(self, on_bytes: Callable[[int], object] | None = None) -> Iterator[str]:
        """Read every line that has content, without its line end.

        Args:
            on_bytes: Called now and then with the number of bytes read from the disk since the
                call before; all calls add up to `num_bytes`.

        Yields:
            One line.

        Raises:
            EmptyTextError: At the end, if there was no line with content.
            TextEncodingError: At a line that is not UTF-8, or where the compression is damaged.
            DataFormatError: If a file is of no known kind, has no text field, or has broken
                JSON lines; those are reported together at the end of the file.
        """
        is_empty = True
        for file in self.files:
            for line in read_text_file(file, on_bytes or (lambda _: None)):
                if line and not line.isspace():
                    is_empty = False
                    yield line
        if is_empty:
            raise EmptyTextError(
                "Could not use the text: it has no line with content.",
                got=f"{len(self.files)} file(s), first {self.files[0]} ({self.num_bytes} bytes)",
                expected="at least one line that is not blank",
                fix="check that the file was written completely, or give another one",
            )

    def batches(
        self, size: int, on_bytes: Callable[[int], object] | None = None
    ) -> Iterator[list[str]]:
        """Read the lines in groups.

        Args:
            size: Lines in a group; the last one may be shorter.
            on_bytes: As for `lines`.

        Yields:
            A group of lines.

        Raises:
            EmptyTextError: As `lines`.
            TextEncodingError: As `lines`.
            DataFormatError: As `lines`.
        """
        lines = self.lines(on_bytes)
        while batch := list(islice(lines, size)):
            yield batch


class Lines(Protocol):
    """Text that can be read line by line, such as a ``TextSource``."""

    def lines(self, on_bytes: Callable[[int], object] | None = None) -> Iterator[str]:
        """Read every line that has content."""


def sample_lines(source: Lines, num_lines: int, seed: int) -> list[str]:
    """Draw lines without repetition from the beginning of a text.

    Args:
        source: The text.
        num_lines: How many to draw; all of a shorter text.
        seed: Of the draw.

    Returns:
        Lines in the order of the text.

    Raises:
        EmptyTextError: If the text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        DataFormatError: If a file is of no known kind or broken.

    Cost:
        Reads at most the first ``50 * num_lines`` lines.

    Randomness:
        A generator of its own, seeded with ``seed``.
    """
    pool = list(islice(source.lines(), _POOL_LINES_PER_SAMPLE * num_lines))
    chosen = random.Random(seed).sample(range(len(pool)), min(num_lines, len(pool)))  # noqa: S311
    return [pool[index] for index in sorted(chosen)]


def is_held_out(line: str, share: float) -> bool:
    """Decide by a line's own content whether it is held out; the same everywhere and always.

    Equal lines fall on the same side, and what a smaller share holds out, a larger one does too.

    Args:
        line: A line of text.
        share: Part of all distinct lines to hold out, 0 to 1.

    Returns:
        Whether the line is held out.

    Example:
        >>> sum(is_held_out(f"line {number}", 0.1) for number in range(1000))
        103
    """
    if share <= 0.0:
        return False
    digest = blake2b(line.encode(), digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest) < share * _NUM_HASHES


def _text_files(path: Path) -> list[Path]:
    """List one path's files; a file that was named is taken whatever its name."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.is_file() and _is_wanted(file, path))
    if not files:
        others = sorted(entry.name for entry in path.iterdir())
        raise _not_found(
            "the directory has no text file",
            got=f"{path} with {', '.join(others[:5]) or 'nothing'} ({len(others)} entries)",
        )
    return files


def _is_wanted(file: Path, directory: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(directory).parts)
    return is_text_file(file) and not is_hidden


def _not_found(why: str, *, got: str) -> DataNotFoundError:
    return DataNotFoundError(
        f"Could not find the text: {why}.",
        got=got,
        expected=f"files ending in {SUFFIXES}, or directories with such files",
        fix="check the path",
    )
