"""The program: its commands, and how it ends when something is wrong."""

import importlib
import sys

import typer
from rich.console import Console

from tinyglot.errors import TinyglotError

COMMANDS = (
    "compress",
    "finetune",
    "evaluate",
    "export",
    "measure",
    "run",
    "recipe",
    "ls",
    "predict",
    "push",
    "demo",
)
PROBLEM = 1


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


def main() -> None:
    """Run the program; a problem prints its four lines and ends with exit code 1."""
    try:
        build_app()()
    except TinyglotError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), markup=False, highlight=False)
        sys.exit(PROBLEM)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; the same command goes on from the last finished step")
        sys.exit(130)
