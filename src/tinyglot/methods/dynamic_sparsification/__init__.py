"""Train one model that holds smaller ones: cut any size later, every cut an ordinary checkpoint."""

from tinyglot.methods.contract import Method
from tinyglot.methods.dynamic_sparsification.apply import apply
from tinyglot.methods.dynamic_sparsification.callback import DynamicSparsificationCallback
from tinyglot.methods.dynamic_sparsification.config import DynamicSparsificationConfig
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions
from tinyglot.methods.dynamic_sparsification.plan import DynamicSparsificationPlan, plan

__all__ = [
    "METHOD",
    "DynamicSparsificationCallback",
    "DynamicSparsificationConfig",
    "DynamicSparsificationPlan",
    "ElasticOptions",
]

METHOD = Method(
    name="dynamic_sparsification",
    version=1,
    summary="train one model that holds smaller ones; tinyglot slice cuts them out, all of them "
    "ordinary checkpoints",
    config_class=DynamicSparsificationConfig,
    plan_class=DynamicSparsificationPlan,
    plan=plan,
    apply=apply,
    needs=("task", "data", "languages"),
    trains=True,
    must_be_last=True,
    exempt_from={
        "the_result_is_left_alone_by_the_same_options": "training goes on with the trained head",
        "tied_weights_stay_tied": "the LM head gives way to the head of the task",
        "asking_for_less_never_gives_more_parameters": "the checkpoint keeps its largest size; "
        "tinyglot slice makes it smaller",
    },
)
