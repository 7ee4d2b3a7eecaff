"""Grids of recipes: what is missing is run, and tables and figures come from the rows."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyglot.studies.cell import Cell
    from tinyglot.studies.cells import expand
    from tinyglot.studies.grid import Grid, builtin_studies, copy_grid, parse_grid, read_grid
    from tinyglot.studies.plan import StudyPlan, plan_study
    from tinyglot.studies.run import Choice, Sitting, run_study
    from tinyglot.studies.store import CellFile, Store

__all__ = [
    "Cell",
    "CellFile",
    "Choice",
    "Grid",
    "Sitting",
    "Store",
    "StudyPlan",
    "builtin_studies",
    "copy_grid",
    "expand",
    "parse_grid",
    "plan_study",
    "read_grid",
    "run_study",
]

# These import PyTorch, which a worker that waits for its first job does not need.
_HOMES = {
    "Cell": "cell",
    "expand": "cells",
    **dict.fromkeys(("Grid", "builtin_studies", "copy_grid", "parse_grid", "read_grid"), "grid"),
    **dict.fromkeys(("StudyPlan", "plan_study"), "plan"),
    **dict.fromkeys(("Choice", "Sitting", "run_study"), "run"),
    **dict.fromkeys(("CellFile", "Store"), "store"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any of the names above)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
