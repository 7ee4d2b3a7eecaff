"""`tinyglot study figures`: what was found, drawn."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import tell
from tinyglot.cli.study_table import STUDY
from tinyglot.studies.formats import FigureFormat

EXAMPLES = (
    "tinyglot study figures studies/imp-small --out figures",
    "tinyglot study figures studies/imp-small --out figures --format html",
)


def figures(
    study: Annotated[str, typer.Argument(help=STUDY)],
    out: Annotated[Path, typer.Option(help="a directory")],
    form: Annotated[
        FigureFormat, typer.Option("--format", help="html: one interactive page, no network")
    ] = FigureFormat.svg,
) -> None:
    """Draw the figures of whatever was run."""
    from tinyglot.studies.figures import write_figures
    from tinyglot.studies.rows import place_of, read_rows

    written = write_figures(read_rows(place_of(study)), out, form)
    tell(f"wrote {len(written)} file(s) to {out}")
