"""The text of a recipe in three portions: to train on, to choose by, and to score on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from tinyglot.data.lines import files_of_split, lines_of_split, splits_of_files
from tinyglot.data.splits import canonical_split
from tinyglot.data.text import TextSource
from tinyglot.errors import DataNotFoundError, EmptyTextError

PortionName = Literal["train", "dev", "test"]


@dataclass(frozen=True)
class TextPortion:
    r"""One portion of the text of one language, read as a stream.

    ``train`` is trained on, ``dev`` is for importance and for the loss while training, ``test``
    for scores. The portions are the splits of ``tinyglot.data.lines``: files named like splits
    (``train.txt``, ``dev.txt``, ``test.txt``) are the portions, and others beside them are left
    out; where there are none, a line's own content decides (90, 5 and 5 %), so that the same line
    is in the same portion everywhere.

    Attributes:
        paths: Files and directories, as ``TextSource`` takes them; ``context.text[tag]``.
        name: Which portion.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = Path(directory) / "sw.txt"
        ...     _ = path.write_text("".join(f"mstari {number}\n" for number in range(100)))
        ...     [len(list(TextPortion((path,), name).lines())) for name in ("train", "dev", "test")]
        [92, 2, 6]
    """

    paths: tuple[Path, ...]
    name: PortionName

    @property
    def num_bytes(self) -> int:
        """Add up the sizes of the files in which its lines are, with those of other portions."""
        files = self._files()
        return TextSource(files_of_split(files, self.name)).num_bytes

    def lines(self, on_bytes: Callable[[int], object] | None = None) -> Iterator[str]:
        """Read the lines that have content, as they are asked for.

        Args:
            on_bytes: Called now and then with the number of bytes read from the disk since the
                call before; all calls add up to ``num_bytes``.

        Yields:
            One line.

        Raises:
            DataNotFoundError: If a path is not there, or a directory has no text file.
            EmptyTextError: If the portion has no line: before the first line if there is no file
                for it, else at the end.
            TextEncodingError: If a file is not UTF-8 or damaged.
            DataFormatError: If a file has no text field or broken JSON lines.
        """
        is_empty = True
        for line in lines_of_split(self._files(), self.name, on_bytes):
            is_empty = False
            yield line
        if is_empty:
            raise _empty(self.name, f"no line of {', '.join(map(str, self.paths))} falls in it")

    def _files(self) -> tuple[Path, ...]:
        files = TextSource(self.paths).files
        there = splits_of_files(files)
        if self.name not in there:
            raise _empty(self.name, f"files for {', '.join(there)} only, such as {files[0]}")
        return files


def portion_name(split: str) -> PortionName:
    """Read the name of a portion.

    Args:
        split: Any name of a split, such as ``validation``.

    Returns:
        The portion.

    Raises:
        DataNotFoundError: If it is none of the three.
    """
    for name in get_args(PortionName):
        if canonical_split(split) == name:
            return cast(PortionName, name)
    raise DataNotFoundError(
        f"Could not find the portion {split!r} of the text.",
        got=split,
        expected="train, dev or test",
        fix="name one of these",
    )


def _empty(name: str, got: str) -> EmptyTextError:
    return EmptyTextError(
        f"Could not use the {name} portion of the text: it is empty.",
        got=got,
        expected="90 % of the lines to train on, 5 % dev, 5 % test, drawn by their content; or "
        "files train.txt, dev.txt and test.txt",
        fix=f"give more text (some hundred lines), or put lines into a file {name}.txt beside the "
        "others named like this",
    )
