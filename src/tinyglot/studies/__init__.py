"""Grids of recipes: what is missing is run, and tables and figures come from the rows."""

from tinyglot.studies.cells import Cell, expand
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
