"""Continue masked-LM training on the languages' text."""

from tinyglot.methods.adaptation.apply import apply
from tinyglot.methods.adaptation.config import AdaptationConfig
from tinyglot.methods.adaptation.plan import AdaptationPlan, plan
from tinyglot.methods.contract import Method

METHOD = Method(
    name="adaptation",
    version=1,
    summary="continue masked-LM training on the languages' text; a new head where there is none",
    config_class=AdaptationConfig,
    plan_class=AdaptationPlan,
    plan=plan,
    apply=apply,
    needs=("text",),
    trains=True,
    exempt_from={
        "the_result_is_left_alone_by_the_same_options": "training goes on with the trained weights",
        "asking_for_less_never_gives_more_parameters": "it trains what is there, at that size",
    },
)

__all__ = ["METHOD", "AdaptationConfig", "AdaptationPlan", "apply", "plan"]
