"""Removing heads or neurons by their importance: what the two methods share."""

from tinyglot.training.pruning.apply import prune_units
from tinyglot.training.pruning.calibration import Calibration, read_calibration
from tinyglot.training.pruning.options import CalibrationOptions, UnitPruningOptions
from tinyglot.training.pruning.plan import UnitPruningPlan, plan_unit_pruning, removals

__all__ = [
    "Calibration",
    "CalibrationOptions",
    "UnitPruningOptions",
    "UnitPruningPlan",
    "plan_unit_pruning",
    "prune_units",
    "read_calibration",
    "removals",
]
