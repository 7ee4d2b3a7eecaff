"""`tinyglot demo`: the whole job on the bundled model, offline."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import quiet_libraries, tell

EPILOG = "Examples:\n\ntinyglot demo --out runs/demo"


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("demo", epilog=EPILOG)(demo)


def demo(
    out: Annotated[Path, typer.Option(help="run directory; goes on where it stopped")] = Path(
        "runs/demo"
    ),
) -> None:
    """Unpack, make a synthetic corpus, trim, fine-tune, drop layers, export, report."""
    from tinyglot.recipes import read_recipe, run_recipe, stage_facts
    from tinyglot.reports import print_stages

    quiet_libraries()
    finished = run_recipe(read_recipe("demo"), out, tell)
    print_stages(stage_facts(finished), finished.rows())
    tell(f"wrote {finished.directory / 'report.html'}")
