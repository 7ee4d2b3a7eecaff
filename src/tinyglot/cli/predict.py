"""`tinyglot predict`: label lines from standard input."""

import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Protocol, cast

import typer

from tinyglot.cli.output import print_json_line, print_lines, quiet_libraries, tell
from tinyglot.errors import TextEncodingError

if TYPE_CHECKING:
    from tinyglot.labeller import Labeller

EPILOG = 'Examples:\n\necho "Rais wa Kenya yuko Nairobi ." | tinyglot predict MODEL --task ner'
_LINES_AT_ONCE = 64
_BYTES_AT_ONCE = 2**16


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("predict", epilog=EPILOG)(predict)


def predict(
    model: Annotated[str, typer.Argument(help="a fine-tuned checkpoint, or an export directory")],
    task: Annotated[str, typer.Option(help="task id, such as ner")],
    json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Label standard input line by line: each word, or the line (two texts have a tab between)."""
    from tinyglot.labeller import Labeller

    quiet_libraries()
    labeller = Labeller(model, task=task, tell=tell)
    print_labels = _print_tags if labeller.tags_words else _print_classes
    _let_interrupts_end_a_wait()
    first_line = 1
    for lines in line_batches(cast(_Stream, sys.stdin.buffer)):
        print_labels(labeller, lines, first_line, json=json)
        sys.stdout.flush()
        first_line += len(lines)


def _print_tags(labeller: "Labeller", lines: list[str], first_line: int, *, json: bool) -> None:
    del first_line
    for words, tags in labeller.tag([line.split() for line in lines]):
        if json:
            print_json_line({"words": words, "tags": tags})
        else:
            print_lines([f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)])
            print_lines([""])


def _print_classes(labeller: "Labeller", lines: list[str], first_line: int, *, json: bool) -> None:
    texts = [line.split("\t") for line in lines]
    for text, label in zip(texts, labeller.classify(texts, first_line), strict=True):
        if json:
            print_json_line({"texts": text, "label": label})
        else:
            print_lines([label])


def _let_interrupts_end_a_wait() -> None:
    """Polars takes interrupts in a way that lets a waiting read go on until the input ends."""
    if hasattr(signal, "siginterrupt"):  # not on Windows, where reads end anyway
        signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003  (takes no name)


class _Stream(Protocol):
    """What can give the bytes that are there without waiting for more."""

    def read1(self, size: int = -1, /) -> bytes:
        """Read what is there, at most so many bytes; nothing at the end."""


def line_batches(stream: _Stream) -> Iterator[list[str]]:
    """Read lines as they come: whatever is there makes a batch, so that nobody waits for more.

    Args:
        stream: Of UTF-8 text.

    Yields:
        Some lines, without their ends.

    Raises:
        TextEncodingError: If a line is not UTF-8.
    """
    number, rest = 0, b""
    while chunk := stream.read1(_BYTES_AT_ONCE):
        *lines, rest = (rest + chunk).split(b"\n")
        for start in range(0, len(lines), _LINES_AT_ONCE):
            batch = lines[start : start + _LINES_AT_ONCE]
            yield [_decode(line, number + i) for i, line in enumerate(batch, 1)]
            number += len(batch)
    if rest:
        yield [_decode(rest, number + 1)]


def _decode(line: bytes, number: int) -> str:
    try:
        return line.removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise TextEncodingError(
            "Could not read standard input: it is not UTF-8.",
            got=f"byte {error.object[error.start]:#04x} in line {number}",
            expected="UTF-8 text, one sentence a line",
            fix="convert it, for example: iconv -f LATIN1 -t UTF-8",
        ) from error
