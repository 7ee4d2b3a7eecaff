"""`tinyglot expand`: a packed checkpoint back to the dense one, byte for byte."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell

EPILOG = "Examples:\n\ntinyglot expand runs/pruned/packed --out runs/pruned/expanded"


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("expand", epilog=EPILOG)(expand)


def expand(
    packed: Annotated[Path, typer.Argument(help="what tinyglot export --format sparse wrote")],
    out: Annotated[Path, typer.Option(help="directory for the checkpoint, new or empty")],
    json: Annotated[bool, typer.Option("--json", help="print the sizes as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Write the checkpoint that was packed; every file has the bytes it had."""
    from tinyglot import api

    quiet_libraries()
    expanded = api.expand(packed, out=out)
    if json:
        print_json(expanded.as_dict())
    else:
        tell(f"wrote {out}: {expanded.summary()}")
