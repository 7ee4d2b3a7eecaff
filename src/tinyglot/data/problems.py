"""Lists of what is wrong with a file: every broken line, kinds of problems put together."""

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinyglot.errors import DataFormatError, DataNotFoundError, TextEncodingError

MAX_KINDS_SHOWN = 20
MAX_RANGES_SHOWN = 500
MAX_NAMES_SHOWN = 60

Problem = tuple[int, str]


def broken(
    place: object, problems: Sequence[Problem], *, expected: str, fix: str, unit: str = "line"
) -> DataFormatError:
    """Make the error that names every broken line or row.

    Args:
        place: The file, or the split of a data set.
        problems: Number of the line or row, and what is wrong with it.
        expected: What every line should be.
        fix: What to do.
        unit: ``line`` or ``row``.

    Returns:
        The error, to be raised.
    """
    num_broken = len({number for number, _ in problems})
    return DataFormatError(
        f"Could not read {place}: {num_broken} broken {unit}(s).",
        got="\n".join(by_kind(problems, unit)),
        expected=expected,
        fix=fix,
    )


def nothing_found(
    what: str, path: Path, layout: str, missing: str = "no such directory"
) -> DataNotFoundError:
    """Make the error that says what a directory holds instead.

    Args:
        what: What was looked for, such as ``parallel text``.
        path: The directory.
        layout: How the files should lie.
        missing: What to say if nothing is there.

    Returns:
        The error, to be raised.
    """
    there = sorted(child.name for child in path.iterdir()) if path.is_dir() else None
    return DataNotFoundError(
        f"Could not find {what} in {path}.",
        got=missing if there is None else f"the directory holds {listing(there)}",
        expected=layout,
        fix="give the directory that holds these files or folders",
    )


def by_kind(problems: Sequence[Problem], unit: str = "line") -> list[str]:
    """Write one text a kind of problem with all its lines, the most common kinds first.

    Args:
        problems: Number of the line or row, and what is wrong with it.
        unit: ``line`` or ``row``.

    Returns:
        Such as ``one column, no tag: lines 3, 7-9``.
    """
    counts = Counter(problem for _, problem in problems)
    shown = [kind for kind, _ in counts.most_common(MAX_KINDS_SHOWN)]
    texts = [f"{kind}: {_ranges([n for n, k in problems if k == kind], unit)}" for kind in shown]
    rest = counts.total() - sum(counts[kind] for kind in shown)
    if rest:
        texts.append(f"and {rest} more, of {len(counts) - len(shown)} other kinds")
    return texts


def _ranges(numbers: Sequence[int], unit: str) -> str:
    """Write sorted line numbers as ``line 3`` or ``lines 3, 7-9``."""
    groups = itertools.groupby(enumerate(sorted(set(numbers))), lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in groups]
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    more = len(texts) - MAX_RANGES_SHOWN
    tail = f" and {more} more places" if more > 0 else ""
    label = f"{unit} " if len(numbers) == 1 else f"{unit}s "
    return label + ", ".join(texts[:MAX_RANGES_SHOWN]) + tail


def listing(names: Sequence[object]) -> str:
    """Write names with commas, at most `MAX_NAMES_SHOWN` of them."""
    more = len(names) - MAX_NAMES_SHOWN
    tail = f" and {more} more" if more > 0 else ""
    return (", ".join(map(str, names[:MAX_NAMES_SHOWN])) or "nothing") + tail


def read_utf8(path: Path, expected: str) -> str:
    """Read a whole text file, or say where it is not UTF-8.

    Args:
        path: The file.
        expected: What it should be, if it is not there.

    Returns:
        Its text, without a byte order mark, line ends as they are.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
    """
    if not path.is_file():
        raise DataNotFoundError(
            f"Could not read {path}: there is no such file.",
            got=path,
            expected=expected,
            fix="check the path",
        )
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TextEncodingError(
            f"Could not read {path}: it is not UTF-8.",
            got=f"byte 0x{content[error.start]:02x} on line {line} (byte {error.start})",
            expected="UTF-8 text",
            fix=f"iconv -f <ITS ENCODING> -t UTF-8 {path} > fixed{path.suffix}",
        ) from error
