"""The directory of a study: one JSON a cell, and all rows as one parquet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tinyglot.errors import RunDirectoryError, StudyError
from tinyglot.files import read_json, write_json, write_text
from tinyglot.studies.cell import Cell
from tinyglot.studies.grid import AnyGrid, parse_grid
from tinyglot.studies.names import public_content, public_name
from tinyglot.studies.provenance import Provenance
from tinyglot.studies.rows import (
    MEASURED_FORM,
    RESULTS_FILE,
    scored_form,
    to_rows,
    write_rows,
)
from tinyglot.studies.shapes.cells import ShapeCell
from tinyglot.studies.shapes.grid import ShapeGrid

GRID_FILE = "study.yaml"
State = Literal["missing", "stale", "finished", "failed"]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class CellFile(_File):
    """What ``cells/<key>.json`` holds; a key that is not declared is a mistake.

    Attributes:
        schema_version: Of this file.
        study: Name of the study.
        key: Of the cell.
        coordinates: Where the cell is in the grid.
        recipe: As resolved; data and model under their public names.
        method_versions: Version by method.
        steps: What each step of the recipe recorded.
        rows: Long-form rows of the last checkpoint.
        confusion: Counts of ``by_mention_novelty`` by perturbation, language, correct tag and
            predicted tag.
        provenance: What it was run with; ``None`` if it failed.
        data: SHA-256 of the sentences that were read, by language and split; ``None`` if it failed,
            or ran before these were filed.
        attempts: How often it was begun.
        error: Why it failed; ``None`` if it is finished.
    """

    schema_version: Literal[1] = 1
    study: str
    key: str
    coordinates: dict[str, Any]
    recipe: dict[str, Any]
    method_versions: dict[str, int]
    steps: tuple[dict[str, Any], ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    confusion: dict[str, dict[str, dict[str, dict[str, int]]]] | None = None
    provenance: Provenance | None = None
    data: dict[str, dict[str, str]] | None = None
    attempts: int = 1
    error: str | None = None


class Timing(_File):
    """What ``timing/<key>.json`` holds: what a cell took, which is another number each time.

    Attributes:
        seconds: Wall time of the cell, all its work included.
        num_steps: Optimizer steps that were done in it.
        num_threads: Threads of the process.
        was_resumed: Whether some of its work had been done before.
        machine: The processor.
    """

    seconds: float
    num_steps: int
    num_threads: int
    was_resumed: bool
    machine: str

    @property
    def seconds_per_step(self) -> float | None:
        """Seconds of the cell by optimizer step; ``None`` where it says nothing of the next one."""
        return None if self.was_resumed or not self.num_steps else self.seconds / self.num_steps


@dataclass(frozen=True)
class Store:
    """A study's directory.

    Attributes:
        directory: Holds ``study.yaml``, ``cells/``, ``timing/``, ``results.parquet``, ``work/``
            and ``shared/``.
    """

    directory: Path

    @property
    def shared(self) -> Path:
        """What cells have in common: first steps, data."""
        return self.directory / "shared"

    def work(self, key: str) -> Path:
        """Name the run directory of a cell that is not finished."""
        return self.directory / "work" / key

    def refuse(self, grid: AnyGrid) -> None:
        """Refuse a directory that is another study's, or holds other files.

        Args:
            grid: The study that is to be run; it may have changed since the last time.

        Raises:
            RunDirectoryError: If it is.
        """
        if (self.directory / GRID_FILE).exists():
            self._refuse_another(grid)
        elif self.directory.is_dir():
            self._refuse_foreign()

    def claim(self, grid: AnyGrid) -> None:
        """Note whose directory it is.

        Args:
            grid: The study that is run.

        Raises:
            RunDirectoryError: If the directory is another study's, or holds other files.
        """
        self.refuse(grid)
        content = public_grid(grid)
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        write_text(self.directory / GRID_FILE, text)

    def _refuse_another(self, grid: AnyGrid) -> None:
        name = self.grid().name
        if name != grid.name:
            raise RunDirectoryError(
                "Could not use the output directory: it is another study's.",
                got=f"{self.directory} with the study {name}",
                expected=f"a new directory, or one of the study {grid.name}",
                fix="give another --out",
            )

    def _refuse_foreign(self) -> None:
        names = (path.name for path in self.directory.iterdir())
        foreign = sorted(name for name in names if not name.startswith((".lock", f".{GRID_FILE}")))
        if foreign:
            raise RunDirectoryError(
                "Could not use the output directory: it holds other files.",
                got=f"{self.directory} with {', '.join(foreign[:4])}",
                expected="a new or empty directory, or one of the same study",
                fix="give another --out",
            )

    def grid(self) -> AnyGrid:
        """Read the grid that was run last.

        Returns:
            The grid.

        Raises:
            StudyError: If there is none, or it has mistakes.
        """
        path = self.directory / GRID_FILE
        if not path.exists():
            raise StudyError(
                "Could not read the study: the directory holds none.",
                got=self.directory,
                expected=f"a directory with {GRID_FILE}, as `tinyglot study run` makes it",
                fix="tinyglot study run NAME --out DIR",
            )
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("paper") == {}:
            del content["paper"]  # an empty entry that early directories have
        return parse_grid(content, file=str(path))

    def cells(self) -> dict[str, CellFile]:
        """Read all cells, those of earlier versions too.

        Returns:
            Cell by key.

        Raises:
            StudyError: If a file holds something else.
        """
        paths = sorted((self.directory / "cells").glob("*.json"))
        return {path.stem: _read(CellFile, path) for path in paths}

    def write_cell(self, cell: CellFile) -> None:
        """File a cell under its key."""
        content = cell.model_dump(mode="json")
        write_json(self.directory / "cells" / f"{cell.key}.json", content)

    def timings(self) -> dict[str, Timing]:
        """Read what cells took.

        Returns:
            Timing by key; none where no cell has run on this machine.

        Raises:
            StudyError: If a file holds something else.
        """
        paths = sorted((self.directory / "timing").glob("*.json"))
        return {path.stem: _read(Timing, path) for path in paths}

    def write_timing(self, key: str, timing: Timing) -> None:
        """File what a cell took."""
        write_json(self.directory / "timing" / f"{key}.json", timing.model_dump(mode="json"))

    def write_results(self, cells: Iterable[Cell]) -> None:
        """Write the rows of the finished cells as one parquet, the same bytes for the same cells.

        Args:
            cells: Of the grid; rows of other cells that are there are left out.
        """
        write_rows(rows_of(cells, self.cells()), self.directory / RESULTS_FILE)


def public_grid(grid: AnyGrid) -> dict[str, Any]:
    """Write a grid as JSON values without the place of its data or its model.

    Args:
        grid: A checked grid.

    Returns:
        A grid with the same keys.
    """
    if isinstance(grid, ShapeGrid):
        return {**grid.model_dump(mode="json"), "model": public_name(grid.model)}
    content = grid.model_dump(mode="json", exclude={"recipe"})
    named = [content["axes"], *content["only"]]
    for part in named:
        part |= {
            axis: [public_name(value) for value in part[axis]]
            for axis in ("model", "data")
            if axis in part
        }
    first = {name: content.pop(name) for name in ("name", "description")}
    return {**first, "recipe": public_content(grid.recipe), **content}


def rows_of(cells: Iterable[Cell], filed: Mapping[str, CellFile]) -> pl.DataFrame:
    """Collect the rows of the cells that are there, under the grid's names of today.

    Args:
        cells: Of the grid; rows of other cells are left out.
        filed: Of the directory.

    Returns:
        Long-form rows. A cell that was filed before the grid grew an axis has the coordinates that
        its key has now.
    """
    listed = list(cells)
    is_of_shapes = any(isinstance(cell, ShapeCell) for cell in listed)
    records = (
        {**row, **cell.coordinates}
        for cell in listed
        if cell.key in filed
        for row in filed[cell.key].rows
    )
    if is_of_shapes:
        return to_rows(records, MEASURED_FORM)
    return to_rows(records, scored_form(name for cell in listed[:1] for name in cell.coordinates))


def states(cells: Iterable[Cell], filed: dict[str, CellFile]) -> dict[str, State]:
    """Tell which cells are there.

    Args:
        cells: Of the grid.
        filed: Of the directory.

    Returns:
        By key. A cell is stale if one with its coordinates is there that was run with another
        recipe or with other versions of the methods.
    """
    known = [cell.coordinates for cell in filed.values()]
    return {cell.key: _state(cell, filed, known) for cell in cells}


def foreign(cells: Iterable[Cell], filed: dict[str, CellFile]) -> list[str]:
    """List filed cells that are not in the grid: of earlier versions, or dropped from it.

    Args:
        cells: Of the grid.
        filed: Of the directory.

    Returns:
        Their keys.
    """
    wanted = {cell.key for cell in cells}
    return [key for key in filed if key not in wanted]


def _state(cell: Cell, filed: dict[str, CellFile], known: list[dict[str, Any]]) -> State:
    if cell.key in filed:
        return "finished" if filed[cell.key].error is None else "failed"
    return "stale" if cell.coordinates in known else "missing"


def _read(kind: Any, path: Path) -> Any:  # noqa: ANN401  (one of the two files)
    try:
        return kind.model_validate(read_json(path))
    except (ValidationError, ValueError) as error:
        raise StudyError(
            "Could not read a cell of the study.",
            got=f"{path.name}: {error}",
            expected="a file that `tinyglot study run` wrote",
            fix=f"remove {path}; the cell is run again",
        ) from error
