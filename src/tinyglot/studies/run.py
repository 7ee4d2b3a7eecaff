"""Running what is missing of a study; killed at any point, the same call goes on."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinyglot.errors import StudyError, TinyglotError
from tinyglot.files import clear_leftovers, locked
from tinyglot.recipes import Recipe, check_inputs
from tinyglot.studies.cell import Cell
from tinyglot.studies.cells import expand, method_versions, public_recipe
from tinyglot.studies.engines import Engine, Job, Outcome
from tinyglot.studies.failures import without_roots
from tinyglot.studies.grid import AnyGrid
from tinyglot.studies.places import Places, data_names, is_here, placed
from tinyglot.studies.prefixes import first_of_prefix, prefix_directories, shared_prefixes
from tinyglot.studies.shapes.cells import ShapeCell
from tinyglot.studies.store import CellFile, Store, Timing, states
from tinyglot.studies.training_data import num_steps
from tinyglot.studies.trunks import shared_steps

Told = Callable[["Progress"], None]


@dataclass(frozen=True)
class Choice:
    """Which cells of a study to run in one sitting, and how.

    Attributes:
        places: Where the data are, by public name.
        keys: Cells that are wanted; all if empty.
        limit: Most cells of this sitting.
        keep: Whether the run directories of finished cells, models and all, are kept.
        num_threads: Threads of each worker.
    """

    places: Places = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    limit: int | None = None
    keep: bool = False
    num_threads: int = 1


@dataclass(frozen=True)
class Progress:
    """One more cell that came to its end.

    Attributes:
        cell: The cell.
        number: Of the cell among those of this sitting, from 1.
        total: Cells of this sitting.
        seconds: What it took; ``None`` if it failed.
        error: Why it failed; ``None`` if it did not.
    """

    cell: Cell
    number: int
    total: int
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Sitting:
    """What one call of ``run_study`` did.

    Attributes:
        num_finished: Cells that it finished.
        failed: Why, by key of the cells that failed.
        num_left: Cells of the study that are not finished now.
    """

    num_finished: int
    failed: dict[str, str]
    num_left: int

    def as_dict(self) -> dict[str, Any]:
        """Give the sitting as JSON values."""
        return asdict(self)


def run_study(
    grid: AnyGrid, store: Store, engine: Engine, choice: Choice, told: Told | None = None
) -> Sitting:
    """Run the cells that are missing, stale or failed; file each as it comes.

    Args:
        grid: The study.
        store: Its directory; made, or gone on with.
        engine: Where the cells run.
        choice: Which of them, and how.
        told: Takes what came of each cell.

    Returns:
        What was done. A failed cell is filed with its error; the others go on.

    Raises:
        StudyError: If the grid has mistakes, or a key is none of its cells'.
        RunDirectoryError: If another process runs a study in the directory, or it is another
            study's, or it holds other files.
        TinyglotError: If a cell's inputs are not there.
    """
    cells = expand(grid)
    _check_keys(cells, choice.keys)
    store.refuse(grid)
    with locked(store.directory):
        todo = _unfinished(cells, store, choice.keys)[: choice.limit]
        jobs = _jobs(cells, todo, store, choice)
        store.claim(grid)
        _clear_up(store, cells)
        store.write_results(cells)
        failed: dict[str, str] = {}
        for number, outcome in enumerate(engine.run(jobs), start=1):
            cell = next(cell for cell in todo if cell.key == outcome.key)
            _file(cell, outcome, store, _roots(store, choice))
            store.write_results(cells)
            if outcome.error is not None:
                failed[cell.key] = outcome.error
            elif not choice.keep:
                shutil.rmtree(store.work(cell.key), ignore_errors=True)
            if told is not None:
                told(_progress(cell, outcome, number, len(todo)))
        left = _unfinished(cells, store, ())
    return Sitting(len(todo) - len(failed), failed, len(left))


def _check_keys(cells: Sequence[Cell], keys: Sequence[str]) -> None:
    unknown = sorted(set(keys) - {cell.key for cell in cells})
    if unknown:
        raise StudyError(
            "Could not run these cells: the study has none of that key.",
            got=", ".join(unknown),
            expected=f"keys of {cells[0].study}, such as {cells[0].key}",
            fix=f"see `tinyglot study plan {cells[0].study} --json`",
        )


def _unfinished(cells: Sequence[Cell], store: Store, keys: Sequence[str]) -> list[Cell]:
    """List what is to be done; cells that failed come after those that were never run."""
    state = states(cells, store.cells())
    wanted = [cell for cell in cells if not keys or cell.key in keys]
    left = [cell for cell in wanted if state[cell.key] != "finished"]
    return sorted(left, key=lambda cell: state[cell.key] == "failed")


def _clear_up(store: Store, cells: Sequence[Cell]) -> None:
    """Remove what a killed driver was writing, and what no cell of the grid goes on from.

    Models that ``keep`` left of finished cells stay, whatever the grid is now.
    """
    clear_leftovers(store.directory)
    kept = {cell.key for cell in cells} | {
        key for key, filed in store.cells().items() if filed.error is None
    }
    groups = {cell.group for cell in cells}
    prefixes = {name for names in shared_prefixes(cells).values() for name in names.values()}
    places = {"work": kept, "shared/trunks": groups, "shared/steps": prefixes}
    for directory, names in ((store.directory / place, kept) for place, kept in places.items()):
        for path in directory.glob("*"):
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)


# --- jobs ---------------------------------------------------------------------------------------


def _jobs(cells: Sequence[Cell], todo: Sequence[Cell], store: Store, choice: Choice) -> list[Job]:
    """Make the jobs; what they need is looked for here, before any of them has cost time."""
    trunks: dict[str, dict[int, dict[str, Any]]] = {}
    prefixes = shared_prefixes(cells)
    first = first_of_prefix(todo, prefixes)
    jobs = []
    for cell in todo:
        recipe = placed(cell.recipe, choice.places)
        _check_inputs(cell, recipe)
        if cell.group not in trunks:
            group = [placed(c.recipe, choice.places) for c in cells if c.group == cell.group]
            trunks[cell.group] = shared_steps(group, store.shared / "trunks" / cell.group)
        payload = {
            "study": cell.study,
            "key": cell.key,
            "coordinates": cell.coordinates,
            "recipe": recipe.model_dump(mode="json", serialize_as_any=True),
            "dataset": public_recipe(cell.recipe)["data"],
            "directory": str(store.directory.resolve()),
            "num_threads": choice.num_threads,
            "trunks": trunks[cell.group],
            "prefixes": prefix_directories(prefixes.get(cell.key, {}), store.shared.resolve()),
        }
        makers = {first[name] for name in prefixes.get(cell.key, {}).values()} - {cell.key}
        after = tuple(sorted(makers | ({cell.group} if not cell.is_dense else set())))
        if isinstance(cell, ShapeCell):
            payload["shapes"] = cell.payload()
        jobs.append(Job(cell.key, payload, after))
    return jobs


def filed_recipe(cell: Cell) -> dict[str, Any]:
    """Write what a cell does as JSON values, without the place of its data or its model.

    Args:
        cell: Of a study.

    Returns:
        The recipe, as resolved; of a cell of shapes what is cut and how it is measured besides.
    """
    shapes = cell.payload() if isinstance(cell, ShapeCell) else {}
    return {**public_recipe(cell.recipe), **shapes}


def _check_inputs(cell: Cell, recipe: Recipe) -> None:
    try:
        check_inputs(recipe)
        num_steps(recipe)
    except TinyglotError as error:
        if is_here(recipe):
            raise
        name = data_names([cell])[0]
        raise StudyError(
            f"Could not start: the data {name} cannot be read.",
            got=f"{error.problem} {error.got}",
            expected="data on this machine, or on a hub that can be reached",
            fix=f"--data {name}=PATH",
        ) from error


# --- outcomes -----------------------------------------------------------------------------------


def _roots(store: Store, choice: Choice) -> dict[str, Path]:
    """List places that a filed error must not name, by what it says instead."""
    data = {name: Path(place.removeprefix(f"{name}=")) for name, place in choice.places.items()}
    usual = {"~": Path.home(), ".": Path.cwd(), "TMPDIR": Path(tempfile.gettempdir())}
    return {**usual, **data, "STUDY": store.directory.resolve()}


def _file(cell: Cell, outcome: Outcome, store: Store, roots: dict[str, Path]) -> None:
    result = dict(outcome.result or {})
    timing = result.pop("timing", None)
    if timing is not None:
        store.write_timing(cell.key, Timing.model_validate(timing))
    content = {
        "study": cell.study,
        "key": cell.key,
        "coordinates": cell.coordinates,
        "recipe": filed_recipe(cell),
        "method_versions": method_versions(cell.recipe),
        "attempts": outcome.attempts,
        "error": outcome.error and without_roots(outcome.error, roots),
        **result,
    }
    store.write_cell(CellFile.model_validate(content))


def _progress(cell: Cell, outcome: Outcome, number: int, total: int) -> Progress:
    timing = (outcome.result or {}).get("timing", {})
    return Progress(cell, number, total, timing.get("seconds"), outcome.error)
