"""`tinyglot study copy`: a built-in study as a file to edit."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import tell

EXAMPLES = ("tinyglot study copy imp-small mine.yaml",)


def copy(
    name: Annotated[str, typer.Argument(help="of a built-in study")],
    target: Annotated[Path, typer.Argument(help="a new file")],
) -> None:
    """Hand over a built-in study as a file to edit."""
    from tinyglot.studies import copy_grid

    copy_grid(name, target)
    tell(f"wrote {target}")
