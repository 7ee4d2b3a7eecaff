"""The program: its commands, and how it ends when something is wrong."""

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import typer

from tinyglot.cli.arguments import spread
from tinyglot.cli.output import tell
from tinyglot.errors import TinyglotError

COMMANDS = (
    "compress",
    "finetune",
    "evaluate",
    "compare",
    "export",
    "expand",
    "slice",
    "measure",
    "run",
    "recipe",
    "study",
    "ls",
    "predict",
    "data",
    "push",
    "demo",
)
PROBLEM = 1
STOPPED = 130


def build_app() -> typer.Typer:
    """Put the commands together.

    Returns:
        The application, one command for each module of this folder.
    """
    app = typer.Typer(
        help="Make multilingual encoders small for the languages you need.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"tinyglot.cli.{name}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program; a problem prints its four lines and ends with exit code 1.

    Args:
        arguments: Without the program's name; default: those of the process.
    """
    try:
        with _one_process_speaks():
            build_app()(spread(sys.argv[1:] if arguments is None else arguments))
    except TinyglotError as error:
        tell(str(error))
        sys.exit(PROBLEM)
    except SystemExit as end:
        if end.code == STOPPED:
            tell("stopped; the same command goes on from the last finished step")
        raise


@contextmanager
def _one_process_speaks() -> Iterator[None]:
    """Of several processes that a launcher started, let only the first print results."""
    if os.environ.get("RANK", "0") == "0":
        yield
    else:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            yield
