"""Learn while fine-tuning which heads and neurons stay, by gates that noise opens and closes."""

from tinyglot.methods.contract import Method
from tinyglot.methods.l0_pruning.apply import apply
from tinyglot.methods.l0_pruning.callback import L0PruningCallback
from tinyglot.methods.l0_pruning.config import L0PruningConfig
from tinyglot.methods.l0_pruning.options import L0Options
from tinyglot.methods.l0_pruning.plan import L0PruningPlan, plan

__all__ = ["METHOD", "L0Options", "L0PruningCallback", "L0PruningConfig", "L0PruningPlan"]

METHOD = Method(
    name="l0_pruning",
    version=1,
    summary="learn hard concrete gates of heads and neurons while fine-tuning, and remove those "
    "that close",
    config_class=L0PruningConfig,
    plan_class=L0PruningPlan,
    plan=plan,
    apply=apply,
    needs=("task", "data", "languages"),
    trains=True,
    exempt_from={"tied_weights_stay_tied": "the LM head gives way to the head of the task"},
)
