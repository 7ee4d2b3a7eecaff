"""`tinyglot study report`: the page of a study, with which of the paper's observations hold."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import tell
from tinyglot.cli.study_table import STUDY

EXAMPLES = ("tinyglot study report studies/imp-small --out imp-small.md",)


def report(
    study: Annotated[str, typer.Argument(help=STUDY)],
    out: Annotated[Path, typer.Option(help="a Markdown file; its figures go into a folder beside")],
) -> None:
    """Write one page: what holds by which criterion, every table, every figure."""
    from tinyglot.studies.page import describe, filed_cells, render_study_page, write_study_page
    from tinyglot.studies.rows import place_of, read_rows

    place = place_of(study)
    page = render_study_page(read_rows(place), describe(place), filed_cells(place))
    written = write_study_page(page, out)
    tell(f"wrote {out} and {len(written) - 1} figure(s)")
