"""What is to be run of a study, and how long that takes by what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tinyglot.errors import TinyglotError
from tinyglot.studies.cell import Cell
from tinyglot.studies.grid import AnyGrid, Measured
from tinyglot.studies.places import Places, is_here, placed
from tinyglot.studies.shapes.grid import ShapeGrid
from tinyglot.studies.store import CellFile, State, Store, Timing, states
from tinyglot.studies.training_data import needs_no_data, num_steps

_SECONDS = 3600


@dataclass(frozen=True)
class PlannedCell:
    """A cell and what it takes.

    Attributes:
        cell: The cell.
        state: Whether it is there.
        num_steps: Optimizer steps; of cells that did not run, as far as they can be told from the
            recipe or the sizes of the data.
        hours: Wall time of one cell; measured if it has run.
    """

    cell: Cell
    state: State
    num_steps: int | None
    hours: float | None

    def as_dict(self) -> dict[str, Any]:
        """Give the cell as JSON values."""
        return {
            "key": self.cell.key,
            "coordinates": self.cell.coordinates,
            "num_steps": self.num_steps,
            "hours": self.hours,
            "state": self.state,
        }


@dataclass(frozen=True)
class StudyPlan:
    """What is to be run.

    Attributes:
        study: Name.
        cells: In the order in which they are run.
    """

    study: str
    cells: tuple[PlannedCell, ...]

    @property
    def hours(self) -> float | None:
        """Hours of the cells that are not finished, one after the other; none if not known."""
        left = [planned.hours for planned in self.cells if planned.state != "finished"]
        return None if None in left else round(sum(filter(None, left)), 4)

    def as_dict(self) -> dict[str, Any]:
        """Give the plan as JSON values."""
        cells = [planned.as_dict() for planned in self.cells]
        return {"study": self.study, "cells": cells, "hours": self.hours}


def plan_study(
    grid: AnyGrid, cells: Sequence[Cell], store: Store | None, places: Places
) -> StudyPlan:
    """Say which cells are there, and what the others take.

    Args:
        grid: Gives the seconds of a step where no cell has run.
        cells: Of the grid.
        store: The study's directory, if there is one.
        places: Where the data are; steps that the recipe does not give are counted of data that
            are here.

    Returns:
        The plan.

    Raises:
        StudyError: If a file of the directory holds something else.
    """
    filed = store.cells() if store else {}
    timings = store.timings() if store else {}
    seconds = _Seconds(grid, filed, timings)
    state = states(cells, filed)
    planned = []
    for cell in cells:
        steps = steps_done(filed.get(cell.key)) or _counted(cell, places)
        if isinstance(grid, ShapeGrid):
            steps, hours = None, _hours_of_shapes(grid, cell, timings)
        else:
            hours = seconds.hours(cell, steps, is_finished=state[cell.key] == "finished")
        planned.append(PlannedCell(cell, state[cell.key], steps, hours))
    return StudyPlan(grid.name, tuple(planned))


def _hours_of_shapes(grid: ShapeGrid, cell: Cell, timings: Mapping[str, Timing]) -> float | None:
    """Give what the cell took, else what others took, else what the grid says."""
    given = [grid.measured.seconds_per_cell] if grid.measured else []
    own = [timings[cell.key].seconds] if cell.key in timings else []
    known = own or [timing.seconds for timing in timings.values()] or given
    return round(median(known) / _SECONDS, 4) if known else None


def steps_done(filed: CellFile | None) -> int | None:
    """Count the optimizer steps of a cell that has run; ``None`` if it has not."""
    if filed is None or filed.error is not None:
        return None
    return sum(int(step["facts"].get("num_steps", 0)) for step in filed.steps)


def _counted(cell: Cell, places: Places) -> int | None:
    recipe = placed(cell.recipe, places)
    try:
        return num_steps(recipe) if needs_no_data(recipe) or is_here(recipe) else None
    except TinyglotError:
        return None


class _Seconds:
    """Seconds of a step: of cells with the same languages, of any cell, or as the grid says."""

    def __init__(
        self, grid: AnyGrid, filed: Mapping[str, CellFile], timings: Mapping[str, Timing]
    ) -> None:
        self._timings = timings
        given = grid.measured
        self._given = given.seconds_per_step if isinstance(given, Measured) else None
        self._by_set: dict[str, list[float]] = {}
        for key, timing in timings.items():
            if key in filed and timing.seconds_per_step is not None:
                name = filed[key].coordinates["languages"]
                self._by_set.setdefault(name, []).append(timing.seconds_per_step)

    def hours(self, cell: Cell, steps: int | None, *, is_finished: bool) -> float | None:
        if is_finished and cell.key in self._timings:
            return round(self._timings[cell.key].seconds / _SECONDS, 4)
        everything = [second for seconds in self._by_set.values() for second in seconds]
        measured = self._by_set.get(cell.coordinates["languages"]) or everything
        seconds = median(measured) if measured else self._given
        return None if steps is None or seconds is None else round(steps * seconds / _SECONDS, 4)
