"""`tinyglot study run`: do what is missing."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell
from tinyglot.cli.study_plan import DATA, STUDY

if TYPE_CHECKING:
    from tinyglot.studies.engines import Engine

EXAMPLES = (
    "tinyglot study run imp-small --data panx=DIR --out studies/imp-small",
    "tinyglot study run mine.yaml --out studies/mine --workers 2 --limit 4",
    "tinyglot study run mine.yaml --out studies/mine --engine ray --workers 8 --address auto",
)


class EngineName(StrEnum):
    """Where cells run."""

    processes = "processes"
    ray = "ray"


def run(  # noqa: PLR0913  (one argument an option)
    study: Annotated[str, typer.Argument(help=STUDY)],
    out: Annotated[Path, typer.Option(help="directory of the study; goes on where it stopped")],
    data: Annotated[list[str] | None, typer.Option(help=DATA)] = None,
    engine: Annotated[EngineName, typer.Option(help="where cells run")] = EngineName.processes,
    address: Annotated[
        str | None, typer.Option(help="of a Ray cluster; default: one on this machine")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="cells at a time; share the cores")] = 1,
    only_cells: Annotated[
        list[str] | None, typer.Option(help="key of a cell to run; default: all")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="most cells of this sitting")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="keep the models of finished cells")] = False,  # noqa: FBT002  (a flag)
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Run the cells that are missing, stale or failed; killed at any point, it goes on.

    A failed cell is filed with its error and the others go on; the exit code is then 1.
    """
    from tinyglot.studies import Choice, Store, expand, read_grid, run_study
    from tinyglot.studies.describe import progress_line, sitting_lines
    from tinyglot.studies.places import data_names, places_of

    quiet_libraries()
    grid = read_grid(study)
    choice = Choice(
        places=places_of(data or (), data_names(expand(grid))),
        keys=tuple(only_cells or ()),
        limit=limit,
        keep=keep,
        num_threads=max(1, len(os.sched_getaffinity(0)) // workers),
    )
    made = _engine(engine, address, workers)
    sitting = run_study(grid, Store(out), made, choice, lambda found: tell(progress_line(found)))
    if json:
        print_json({"study": grid.name, **sitting.as_dict()})
    else:
        for line in sitting_lines(sitting, out):
            tell(line)
    if sitting.failed:
        raise typer.Exit(1)


def _engine(name: EngineName, address: str | None, workers: int) -> "Engine":
    from tinyglot.studies.engines import make_engine
    from tinyglot.studies.work import run_job

    return make_engine(name, run_job, workers, address)
