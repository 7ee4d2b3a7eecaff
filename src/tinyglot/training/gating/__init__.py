"""Gates on heads and neurons that are learnt while a task is trained."""

from tinyglot.training.gating.apply import train_with_gates
from tinyglot.training.gating.budget import Budget, unit_budgets, unit_counts
from tinyglot.training.gating.callback import GatingCallback
from tinyglot.training.gating.controller import Flat, GateController
from tinyglot.training.gating.cut import absorb_gates_, keep_units
from tinyglot.training.gating.options import KINDS, GatingOptions, Kind
from tinyglot.training.gating.plan import GatedTrainingPlan, plan_gated_training
from tinyglot.training.gating.schedule import (
    GatingSchedule,
    check_shared_steps,
    make_gating_schedule,
)

__all__ = [
    "KINDS",
    "Budget",
    "Flat",
    "GateController",
    "GatedTrainingPlan",
    "GatingCallback",
    "GatingOptions",
    "GatingSchedule",
    "Kind",
    "absorb_gates_",
    "check_shared_steps",
    "keep_units",
    "make_gating_schedule",
    "plan_gated_training",
    "train_with_gates",
    "unit_budgets",
    "unit_counts",
]
