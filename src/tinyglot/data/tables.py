"""Tables of labelled examples: TSV, CSV, JSON lines and parquet, read row by row."""

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import pyarrow  # type: ignore[import-untyped]  # comes without types
import pyarrow.parquet  # type: ignore[import-untyped]

from tinyglot.data.problems import Problem, broken, read_utf8
from tinyglot.errors import DataFormatError, DataNotFoundError, EmptyTextError

ROWS_AT_A_TIME = 1000
_QUOTED_CELL = re.compile(r'(?:(?<=[\t\n])|\A)"[^"]*(?:""[^"]*)*"(?=[\t\r\n]|\Z)')

Row = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Table:
    """Rows with named columns, read as they are asked for.

    Attributes:
        place: The file, or the split of a data set, for messages.
        columns: Names in the table's order.
        rows: Number of the line or row, and a value a column; ``None`` where there is none.
        label_names: For columns with class labels: the name of each number.
        problems: What was wrong with lines; complete when the rows were read.
        unit: What the numbers count: ``line`` or ``row``.
    """

    place: str
    columns: tuple[str, ...]
    rows: Iterable[Row]
    label_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unit: str = "line"


def read_table(path: Path) -> Table:
    """Open a table by its ending.

    The first line of TSV and CSV names the columns. In TSV a quotation mark is a character like
    any other, unless every one in the file belongs to a cell that is quoted as in CSV.

    Args:
        path: A file ending in ``.tsv``, ``.csv``, ``.jsonl`` or ``.parquet``.

    Returns:
        The table.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If the file has no row.
        DataFormatError: If it is of another kind, or damaged.
    """
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise DataFormatError(
            f"Could not read {path}: unknown kind of table.",
            got=path.suffix,
            expected=" ".join(_READERS),
            fix="convert it to one of these",
        )
    return reader(path)


def label_names(features: datasets.Features) -> dict[str, tuple[str, ...]]:
    """Give the names of class labels, also of those in lists, by column."""
    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    return {
        name: tuple(feature.names)
        for name, feature in inner.items()
        if isinstance(feature, datasets.ClassLabel)
    }


# --- separated values --------------------------------------------------------------------------


def _read_tsv(path: Path) -> Table:
    text = read_utf8(path, "a TSV file")
    # in a file without quoting every line is a row, whatever characters it holds
    quoting = csv.QUOTE_MINIMAL if _is_quoted(text) else csv.QUOTE_NONE
    return _separated(path, csv.reader(io.StringIO(text, newline=""), _dialect("\t", quoting)))


def _read_csv(path: Path) -> Table:
    text = read_utf8(path, "a CSV file")
    return _separated(path, csv.reader(io.StringIO(text, newline=""), _dialect(",")))


def _dialect(separator: str, quote: int = csv.QUOTE_MINIMAL) -> type[csv.Dialect]:
    class Dialect(csv.excel):
        delimiter = separator
        strict = True  # or a quotation mark that is never closed swallows the rows behind it
        quoting = quote  # type: ignore[assignment]  # typeshed wants the literal of one constant

    return Dialect


def _is_quoted(text: str) -> bool:
    """Tell cells quoted as in CSV from quotation marks that are part of the text."""
    cells = _QUOTED_CELL.findall(text)
    rest = _QUOTED_CELL.sub("", text)
    if not cells or '"' in rest:
        return False
    needs_quotes = any('""' in cell[1:-1] or set(cell) & set("\t\n") for cell in cells)
    if not needs_quotes:
        return not rest.strip("\t\r\n")
    # two raw marks, the first at the start of a line's last cell and the second at the end of
    # another, look like one cell over these lines, unless rows of a wrong width tell
    return not any("\n" in cell for cell in cells) or _is_rectangle(text)


def _is_rectangle(text: str) -> bool:
    """Say whether the rows are as wide as the header only if cells are quoted."""
    quoted, raw = (_widths(text, quoting) for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE))
    return len(quoted) == 1 < len(raw)


def _widths(text: str, quoting: int) -> set[int]:
    reader = csv.reader(io.StringIO(text, newline=""), _dialect("\t", quoting))
    try:
        return {len(row) for row in reader if row}
    except csv.Error:
        return set()


def _separated(path: Path, reader: Any) -> Table:  # noqa: ANN401  (csv's type is private)
    header = _header(path, reader)
    problems: list[Problem] = []
    return Table(str(path), tuple(header), _cells(reader, header, problems), problems=problems)


def _header(path: Path, reader: Any) -> list[str]:  # noqa: ANN401  (csv's type is private)
    expected = "names of columns, each once, in the first line"
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        problems = [(reader.line_num, str(error))]
        raise broken(path, problems, expected=expected, fix="correct this line") from error
    if not any(header):
        raise _empty(path)
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise DataFormatError(
            f"Could not read {path}: columns have the same name.",
            got=f"{', '.join(twice)} more than once in {', '.join(header)}",
            expected=expected,
            fix="rename or remove one of each",
        )
    return header


def _cells(
    reader: Any,  # noqa: ANN401  (csv's type is private)
    header: list[str],
    problems: list[Problem],
) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append((reader.line_num, str(error)))
            continue
        if len(cells) == len(header):
            yield reader.line_num, dict(zip(header, cells, strict=True))
        elif any(cells):
            problems.append((reader.line_num, f"{len(cells)} column(s), not {len(header)}"))


# --- JSON lines and parquet --------------------------------------------------------------------


def _read_json_lines(path: Path) -> Table:
    text = read_utf8(path, "a file with one JSON object a line")
    problems: list[Problem] = []
    rows = _objects(text, problems)
    first = list(itertools.islice(rows, ROWS_AT_A_TIME))
    if not first:
        raise _no_object(path, problems) if problems else _empty(path)
    columns = dict.fromkeys(name for _, row in first for name in row)
    return Table(str(path), tuple(columns), itertools.chain(first, rows), problems=problems)


def _objects(text: str, problems: list[Problem]) -> Iterator[Row]:
    for number, line in enumerate(io.StringIO(text, newline="\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append((number, f"no JSON ({error.msg})"))
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            problems.append((number, "JSON, but no object"))


def _read_parquet(path: Path) -> Table:
    if not path.is_file():
        raise DataNotFoundError(
            f"Could not read {path}: there is no such file.",
            got=path,
            expected="a parquet file",
            fix="check the path",
        )
    try:
        file = pyarrow.parquet.ParquetFile(path)
        features = datasets.Features.from_arrow_schema(file.schema_arrow)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    names = label_names(features)
    return Table(str(path), tuple(features), _parquet_rows(path, file), names, unit="row")


def _parquet_rows(path: Path, file: Any) -> Iterator[Row]:  # noqa: ANN401  (untyped)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME):
            for row in batch.to_pylist():
                yield number, row
                number += 1
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, f"{error} (after {number} rows)") from error


def _damaged(path: Path, got: object) -> DataFormatError:
    return DataFormatError(
        f"Could not read {path}: it is damaged or no parquet file.",
        got=got,
        expected="a parquet file",
        fix="get the file again",
    )


def _no_object(path: Path, problems: list[Problem]) -> DataFormatError:
    expected = "one JSON object a line"
    return broken(path, problems, expected=expected, fix="correct or remove these lines")


def _empty(path: Path) -> EmptyTextError:
    return EmptyTextError(
        f"Could not read {path}: it is empty.",
        got=f"{path.stat().st_size} bytes",
        expected="a header and rows",
        fix="check that its download finished",
    )


_READERS: dict[str, Callable[[Path], Table]] = {
    ".tsv": _read_tsv,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
