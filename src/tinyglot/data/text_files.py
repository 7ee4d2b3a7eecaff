"""Reading one text file line by line: plain text, JSON lines or parquet, compressed or not."""

import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pyarrow  # type: ignore[import-untyped]  # comes without types
import pyarrow.parquet  # type: ignore[import-untyped]
import zstandard

from tinyglot.errors import DataFormatError, TextEncodingError

SUFFIXES = ".txt, .jsonl (each also .gz, .xz or .zst) or .parquet"
TEXT_FIELDS = ("text", "content")

_KINDS = {".txt": "text", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}
_COMPRESSIONS = (".gz", ".xz", ".zst")
_LINES_BETWEEN_REPORTS = 1000
_ROWS_AT_A_TIME = 4096
_CHUNK_BYTES = 1 << 20
_NUM_SHOWN = 10
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError)

OnBytes = Callable[[int], object]


def is_text_file(path: Path) -> bool:
    """Say whether a file's name is that of a text file we can read."""
    return _kind(path) is not None


def read_text_file(path: Path, on_bytes: OnBytes) -> Iterator[str]:
    """Read the lines of one file, blank ones too, without line ends.

    Args:
        path: A file of one of the kinds in ``SUFFIXES``.
        on_bytes: Called with the number of bytes read from the disk since the call before.

    Returns:
        The lines, read as they are asked for.

    Raises:
        DataFormatError: If the file is of no known kind, or has no text field; broken JSON
            lines are reported together, when the file was read.
    """
    kind = _kind(path)
    if kind == "text":
        return (line for _, line in _decoded_lines(path, on_bytes))
    if kind == "json":
        return _json_lines(path, on_bytes)
    if kind == "parquet":
        return _parquet_lines(path, on_bytes)
    raise DataFormatError(
        "Could not read the text: unknown kind of file.",
        got=path,
        expected=f"a name ending in {SUFFIXES}",
        fix="rename or convert the file",
    )


def _kind(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_compressed = bool(suffixes) and suffixes[-1] in _COMPRESSIONS
    suffix = suffixes[-2:-1] if is_compressed else suffixes[-1:]
    kind = _KINDS.get("".join(suffix))
    return None if is_compressed and kind == "parquet" else kind


def _decoded_lines(path: Path, on_bytes: OnBytes) -> Iterator[tuple[int, str]]:
    """Number and decode the lines; a byte order mark at the start is dropped."""
    with _opened(path) as (on_disk, content):
        num_reported = 0
        try:
            for number, encoded in enumerate(content, start=1):
                line = _decode(encoded, path, number, content)
                yield number, line.removeprefix("\ufeff") if number == 1 else line
                if number % _LINES_BETWEEN_REPORTS == 0:
                    on_bytes(on_disk.tell() - num_reported)
                    num_reported = on_disk.tell()
        except _DAMAGED as error:
            raise _damaged(path, on_disk.tell(), error) from error
        on_bytes(path.stat().st_size - num_reported)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, IO[bytes]]]:
    """Give the file as it lies on the disk, and its uncompressed content."""
    with path.open("rb") as on_disk:
        suffix = path.suffix.lower()
        if suffix == ".gz":
            yield on_disk, cast(IO[bytes], gzip.GzipFile(fileobj=on_disk))
        elif suffix == ".xz":
            yield on_disk, lzma.open(on_disk)  # noqa: SIM115  (closed with on_disk)
        elif suffix == ".zst":
            yield on_disk, io.BufferedReader(_ZstdContent(on_disk), _CHUNK_BYTES)
        else:
            yield on_disk, on_disk


class _ZstdContent(io.RawIOBase):
    """Uncompressed zstd; unlike zstandard's own reader it notices when the end is missing."""

    def __init__(self, on_disk: BinaryIO) -> None:
        self._on_disk = on_disk
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._pending = b""
        self._is_inside_frame = False
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (the type of io.RawIOBase)
        while not self._pending:
            compressed = self._frame.unused_data or self._on_disk.read(_CHUNK_BYTES // 8)
            if not compressed:
                break
            self._decompress(compressed)
        size = min(len(buffer), len(self._pending))
        buffer[:size], self._pending = self._pending[:size], self._pending[size:]
        self._position += size
        if not size and self._is_inside_frame:
            raise zstandard.ZstdError("the last frame has no end")
        return size

    def _decompress(self, compressed: bytes) -> None:
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._pending = self._frame.decompress(compressed)
        self._is_inside_frame = not self._frame.eof


def _decode(encoded: bytes, path: Path, number: int, content: IO[bytes]) -> str:
    try:
        return encoded.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        offset = content.tell() - len(encoded) + error.start
        raise TextEncodingError(
            f"Could not read {path.name}: it is not UTF-8.",
            got=f"byte 0x{encoded[error.start]:02x} in line {number} (byte {offset}) of {path}",
            expected="UTF-8 text",
            fix=f"iconv -f {_likely_encoding(encoded)} -t UTF-8 {path.name}",
        ) from error


def _likely_encoding(encoded: bytes) -> str:
    """Guess from a byte order mark; Latin 1 is the most common of the others."""
    return "UTF-16" if encoded[:2] in (b"\xff\xfe", b"\xfe\xff") else "ISO-8859-1"


def _damaged(path: Path, offset: int, error: Exception) -> TextEncodingError:
    return TextEncodingError(
        f"Could not read {path.name}: its compression is damaged.",
        got=f"{error} (near byte {offset} of {path.stat().st_size})",
        expected=f"a complete {path.suffix} file",
        fix=f"copy or download {path.name} again",
    )


def _json_lines(path: Path, on_bytes: OnBytes) -> Iterator[str]:
    broken: list[str] = []
    for number, line in _decoded_lines(path, on_bytes):
        text, problem = _text_of(line)
        if problem:
            broken.append(f"line {number}: {problem}")
        yield from text.split("\n")
    if broken:
        shown = broken[:_NUM_SHOWN] + ["…"] * (len(broken) > _NUM_SHOWN)
        raise DataFormatError(
            f"Could not read {len(broken)} line(s) of {path}.",
            got="\n".join(shown),
            expected='one JSON object a line, with a string "text" or "content"',
            fix=f"correct or delete the lines in {path.name}",
        )


def _text_of(line: str) -> tuple[str, str | None]:
    """Take the text out of one JSON line, or say why there is none; a blank line has none."""
    if not line.strip():
        return "", None
    try:
        record = json.loads(line)
        fields = record if isinstance(record, dict) else {}
        text = next((fields[name] for name in TEXT_FIELDS if name in fields), None)
        if isinstance(text, str):
            text.encode()  # fails for one half of a surrogate pair
            return text, None
    except ValueError as error:
        return "", str(error)
    there = ", ".join(fields) or f"a JSON {type(record).__name__}"
    return "", f'no string "text" or "content" in {there}'


def _parquet_lines(path: Path, on_bytes: OnBytes) -> Iterator[str]:
    """Read one column in slices; empty cells are passed over like blank lines."""
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            name = _text_column(path, table.schema_arrow)
            slices = table.iter_batches(columns=[name], batch_size=_ROWS_AT_A_TIME)
            num_bytes_a_row = path.stat().st_size / max(1, table.metadata.num_rows)
            num_reported = num_rows = 0
            for rows in slices:
                for cell in rows.column(0).to_pylist():
                    yield from (cell or "").split("\n")
                num_rows += len(rows)
                on_bytes(round(num_rows * num_bytes_a_row) - num_reported)
                num_reported = round(num_rows * num_bytes_a_row)
    except pyarrow.ArrowException as error:
        raise _damaged(path, 0, error) from error


def _text_column(path: Path, schema: Any) -> str:  # noqa: ANN401  (untyped)
    for name in TEXT_FIELDS:
        if name in schema.names and _is_string(schema.field(name).type):
            return name
    raise DataFormatError(
        f"Could not read {path}: no column has the text.",
        got=", ".join(f"{column.name} ({column.type})" for column in schema),
        expected='a string column "text" or "content"',
        fix="rename the column",
    )


def _is_string(column_type: Any) -> bool:  # noqa: ANN401  (untyped)
    return str(column_type) in ("string", "large_string", "string_view")
