"""Train on text towards what another model says."""

from tinyglot.methods.contract import Method
from tinyglot.methods.distillation.apply import apply
from tinyglot.methods.distillation.config import DistillationConfig
from tinyglot.methods.distillation.plan import DistillationPlan, plan

METHOD = Method(
    name="distillation",
    version=1,
    summary="train on the languages' text towards a teacher: logits, hidden states, relations, "
    "embeddings",
    config_class=DistillationConfig,
    plan_class=DistillationPlan,
    plan=plan,
    apply=apply,
    needs=("text",),
    trains=True,
    exempt_from={
        "the_result_is_left_alone_by_the_same_options": "training goes on with the trained weights",
        "asking_for_less_never_gives_more_parameters": "it trains what is there, at that size",
    },
)
