"""`tinyglot study plan`: which cells there are, and what they take."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, print_lines, quiet_libraries

EXAMPLES = (
    "tinyglot study plan imp-small",
    "tinyglot study plan imp-small --data panx=DIR --out studies/imp-small --json",
)
STUDY = "a YAML file, or the name of a built-in study"
DATA = "NAME=PATH, where data of the study lie; a plain path if it has one set of data"


def plan(
    study: Annotated[str, typer.Argument(help=STUDY)],
    out: Annotated[Path | None, typer.Option(help="directory of the study, if it has run")] = None,
    data: Annotated[list[str] | None, typer.Option(help=DATA)] = None,
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """List the cells of a study with their steps and hours; needs neither data nor model."""
    from tinyglot.studies import Store, expand, plan_study, read_grid
    from tinyglot.studies.describe import plan_lines
    from tinyglot.studies.places import data_names, places_of

    quiet_libraries()
    grid = read_grid(study)
    cells = expand(grid)
    places = places_of(data or (), data_names(cells))
    planned = plan_study(grid, cells, Store(out) if out else None, places)
    if json:
        print_json(planned.as_dict())
    else:
        print_lines(plan_lines(grid, planned))
