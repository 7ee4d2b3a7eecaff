"""The cells of a study of shapes: a share that is removed and a runtime each, all parts in turn."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tinyglot.recipes import Recipe
from tinyglot.studies.cell import Cell
from tinyglot.studies.names import public_name
from tinyglot.studies.shapes.grid import Cuts, Protocol, Runtime, ShapeGrid

VERSION = 1
"""Of how shapes are cut and measured; another one makes every cell stale."""
_KEY_DIGITS = 16


@dataclass(frozen=True)
class ShapeCell(Cell):
    """One share and one runtime; its recipe names the model and has no steps.

    Attributes:
        cuts: What is removed; one share.
        measure: How latency is taken; one runtime.
    """

    cuts: Cuts
    measure: Protocol

    def payload(self) -> dict[str, Any]:
        """Give what is measured as JSON values."""
        return {
            "cuts": self.cuts.model_dump(mode="json"),
            "measure": self.measure.model_dump(mode="json"),
            "version": VERSION,
        }


def expand_shapes(grid: ShapeGrid) -> list[Cell]:
    """List the cells of a study of shapes.

    Args:
        grid: A checked grid.

    Returns:
        Cells, the smallest cut first.
    """
    return list(_cells(grid))


def _cells(grid: ShapeGrid) -> Iterator[ShapeCell]:
    recipe, model = Recipe(model=grid.model), public_name(grid.model)
    for removed in sorted(grid.cuts.removed):
        for runtime in grid.measure.runtimes:
            cuts = grid.cuts.model_copy(update={"removed": (removed,)})
            measure = grid.measure.model_copy(update={"runtimes": (Runtime(runtime),)})
            coordinates = {"model": model, "removed": removed, "runtime": str(runtime)}
            cell = ShapeCell(grid.name, "", coordinates, recipe, "", cuts, measure)
            key = _key(model, cell)
            yield ShapeCell(grid.name, key, coordinates, recipe, key, cuts, measure)


def _key(model: str, cell: ShapeCell) -> str:
    content = json.dumps({"model": model, **cell.payload()}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:_KEY_DIGITS]
