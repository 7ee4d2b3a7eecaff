"""`tinyglot study table`: what was found, per language, as tables."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_lines, tell
from tinyglot.studies.formats import TableFormat

EXAMPLES = (
    "tinyglot study table studies/imp-small",
    "tinyglot study table imp-small --format csv --out imp-small.csv",
)
STUDY = "directory of a study, its results.parquet, or a name: that of a folder in studies/"


def table(
    study: Annotated[str, typer.Argument(help=STUDY)],
    form: Annotated[
        TableFormat, typer.Option("--format", help="csv and json hold the numbers, one a line")
    ] = TableFormat.markdown,
    out: Annotated[Path | None, typer.Option(help="a file; default: standard output")] = None,
) -> None:
    """Make the tables of whatever was run; a cell that was not run is a dash."""
    from tinyglot.files import write_text
    from tinyglot.studies.rows import place_of, read_rows
    from tinyglot.studies.tables import render_tables

    text = render_tables(read_rows(place_of(study)), form)
    if out is None:
        print_lines(text.rstrip("\n").split("\n"))
    else:
        write_text(out, text)
        tell(f"wrote {out}")
