"""Keep while fine-tuning the heads and neurons that training pushes away from zero."""

from tinyglot.methods.contract import Method
from tinyglot.methods.movement_pruning.apply import apply
from tinyglot.methods.movement_pruning.callback import MovementPruningCallback
from tinyglot.methods.movement_pruning.config import MovementPruningConfig
from tinyglot.methods.movement_pruning.options import MovementOptions
from tinyglot.methods.movement_pruning.plan import MovementPruningPlan, plan

__all__ = [
    "METHOD",
    "MovementOptions",
    "MovementPruningCallback",
    "MovementPruningConfig",
    "MovementPruningPlan",
]

METHOD = Method(
    name="movement_pruning",
    version=1,
    summary="remove, while fine-tuning, the heads and neurons that training pushes towards zero",
    config_class=MovementPruningConfig,
    plan_class=MovementPruningPlan,
    plan=plan,
    apply=apply,
    needs=("task", "data", "languages"),
    trains=True,
    exempt_from={"tied_weights_stay_tied": "the LM head gives way to the head of the task"},
)
