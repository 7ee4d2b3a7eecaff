"""Make the hidden states narrower: cut off, or in the channels or directions that matter."""

from tinyglot.methods.contract import Method
from tinyglot.methods.width_reduction.apply import apply
from tinyglot.methods.width_reduction.config import WidthReductionConfig
from tinyglot.methods.width_reduction.plan import WidthReductionPlan, plan

METHOD = Method(
    name="width_reduction",
    version=1,
    summary="a smaller hidden size: cut off as published, or in the basis your languages use",
    config_class=WidthReductionConfig,
    plan_class=WidthReductionPlan,
    plan=plan,
    apply=apply,
    exempt_from={
        "hidden_states_keep_their_width": "narrower hidden states are what this method is for",
    },
)
