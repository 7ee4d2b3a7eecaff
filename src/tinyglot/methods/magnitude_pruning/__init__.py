"""Set the smallest weights to zero while the model is fine-tuned."""

from tinyglot.methods.contract import Method
from tinyglot.methods.magnitude_pruning.apply import apply
from tinyglot.methods.magnitude_pruning.callback import MagnitudePruningCallback
from tinyglot.methods.magnitude_pruning.config import MagnitudePruningConfig
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.plan import MagnitudePruningPlan, plan

__all__ = [
    "METHOD",
    "MagnitudePruningCallback",
    "MagnitudePruningConfig",
    "MagnitudePruningPlan",
    "PruningOptions",
]

METHOD = Method(
    name="magnitude_pruning",
    version=1,
    summary="set the smallest weights to zero, step by step, while the model is fine-tuned",
    config_class=MagnitudePruningConfig,
    plan_class=MagnitudePruningPlan,
    plan=plan,
    apply=apply,
    needs=("task", "data", "languages"),
    trains=True,
    exempt_from={
        "tied_weights_stay_tied": "the LM head gives way to the head of the task",
        "asking_for_less_never_gives_more_parameters": "removed weights become zeros in matrices "
        "of the same shape",
    },
)
