"""`tinyglot push`: upload a checkpoint with its card."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import quiet_libraries, tell

EPILOG = "Examples:\n\ntinyglot push runs/sw --repo me/multilingual-e5-small-swahili --private"


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("push", epilog=EPILOG)(push)


def push(
    run: Annotated[Path, typer.Argument(help="a run directory, or a checkpoint directory")],
    repo: Annotated[str, typer.Option(help="hub id to upload to; made if it is not there")],
    private: Annotated[bool, typer.Option("--private", help="make it private")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Upload the checkpoint and the model card of a run."""
    from tinyglot import api

    quiet_libraries()
    tell(f"uploaded to {api.push(run, repo=repo, private=private)}")
