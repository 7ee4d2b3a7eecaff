"""Unlabelled text by language and split, for masked language modelling."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tinyglot.data.hub import language_of_name
from tinyglot.data.problems import listing, nothing_found
from tinyglot.data.splits import canonical_split, sorted_splits, split_of_file
from tinyglot.data.text import TextSource, is_held_out
from tinyglot.data.text_files import is_text_file
from tinyglot.errors import DataNotFoundError
from tinyglot.languages import LanguageTag, resolve_language

TEST_SHARE = 0.05
DEV_AND_TEST_SHARE = 0.1
DRAWN_SPLITS = ("train", "dev", "test")
LAYOUT = "<language>/*.txt, <language>.txt, or text files directly (also .jsonl, .parquet)"


class TextDirectory:
    """Text below a directory by language, or one file.

    Files named like splits are the splits. Where there are none, a line's own content decides:
    5 % of the lines are ``test``, another 5 % ``dev`` and the rest ``train``; equal lines are
    always in the same split.

    Args:
        path: A directory with folders or files named by language, the folder of one language
            (it is taken for whichever is asked for if its name is none), or a file.

    Raises:
        DataNotFoundError: If there is no text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = _files_by_language(path)
        self._own = [] if self._files else _own_files(path)
        self._own_tag = language_of_name(path.resolve().name.partition(".")[0])
        if not self._files and not self._own:
            raise nothing_found("text", path, LAYOUT, "no such file or directory")

    @property
    def languages(self) -> tuple[LanguageTag, ...]:
        """Tags of the languages that are there, sorted; none if the directory does not say."""
        if self._own:
            return () if self._own_tag is None else (self._own_tag,)
        return tuple(sorted(self._files))

    def splits(self, tag: str) -> tuple[str, ...]:
        """Name the splits of one language.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.

        Returns:
            Those that have a file, or train, dev and test.

        Raises:
            DataNotFoundError: If the language is not there.
            UnknownLanguageError: If the code is no language.
        """
        return splits_of_files(self._of(tag))

    def lines(self, tag: str, split: str) -> Iterator[str]:
        """Read the lines that have content, as they are asked for.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.
            split: A split that is there.

        Yields:
            A line.

        Raises:
            DataNotFoundError: If the language or split is not there.
            EmptyTextError: If there is no line with content.
            TextEncodingError: If a file is not UTF-8.
            DataFormatError: If a file is broken.
        """
        name = canonical_split(split)
        if name not in self.splits(tag):
            raise DataNotFoundError(
                f"Could not find the split {split!r} of {resolve_language(tag)}.",
                got=f"{self.path} has {listing(self.splits(tag))} in this language",
                expected=LAYOUT,
                fix="name one of these splits",
            )
        yield from lines_of_split(self._of(tag), name)

    def _of(self, tag: str) -> list[Path]:
        resolved = resolve_language(tag)
        if self._own and self._own_tag in (None, resolved):
            return self._own
        if resolved not in self._files:
            raise DataNotFoundError(
                f"Could not find text in {resolved}.",
                got=f"{self.path} has {listing(self.languages)}",
                expected=LAYOUT,
                fix="name one of these languages",
            )
        return self._files[resolved]


def splits_of_files(files: Sequence[Path]) -> tuple[str, ...]:
    """Name the splits of text files.

    Args:
        files: Text files of one language.

    Returns:
        Those that have a file of their name; train, dev and test if no file is named like a split.
    """
    return sorted_splits(_by_split(files) or DRAWN_SPLITS)


def files_of_split(files: Sequence[Path], split: str) -> tuple[Path, ...]:
    """List the files in which the lines of one split are.

    Args:
        files: Text files of one language.
        split: One of ``splits_of_files``.

    Returns:
        Those named like the split; all of them if none is named like any split.
    """
    by_split = _by_split(files)
    return tuple(by_split[split] if by_split else files)


def lines_of_split(
    files: Sequence[Path], split: str, on_bytes: Callable[[int], object] | None = None
) -> Iterator[str]:
    """Read the lines of one split that have content, as they are asked for.

    Args:
        files: Text files of one language.
        split: One of ``splits_of_files``.
        on_bytes: Called now and then with the number of bytes read since the call before.

    Yields:
        A line.

    Raises:
        EmptyTextError: If there is no line with content.
        TextEncodingError: If a file is not UTF-8.
        DataFormatError: If a file is broken.
    """
    is_drawn = not _by_split(files)
    for line in TextSource(files_of_split(files, split)).lines(on_bytes):
        if not is_drawn or _drawn_split(line) == split:
            yield line


def _drawn_split(line: str) -> str:
    if not is_held_out(line, DEV_AND_TEST_SHARE):
        return "train"
    return "test" if is_held_out(line, TEST_SHARE) else "dev"


def _files_by_language(path: Path) -> dict[LanguageTag, list[Path]]:
    if not path.is_dir():
        return {}
    found: dict[LanguageTag, list[Path]] = {}
    for child in sorted(path.iterdir()):
        tag = language_of_name(child.name.partition(".")[0])
        files = _own_files(child)
        if tag is not None and files:
            found.setdefault(tag, []).extend(files)
    return found


def _own_files(path: Path) -> list[Path]:
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in candidates if file.is_file() and is_text_file(file)]


def _by_split(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Put files by split; nothing if none is named like a split."""
    found: dict[str, list[Path]] = {}
    for file in files:
        split = split_of_file(file.name.partition(".")[0])
        if split is not None:
            found.setdefault(split, []).append(file)
    return found
