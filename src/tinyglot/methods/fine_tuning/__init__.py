"""Train a task head and the encoder on labelled data."""

from tinyglot.methods.contract import Method
from tinyglot.methods.fine_tuning.apply import apply
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.methods.fine_tuning.plan import FineTuningPlan, plan

METHOD = Method(
    name="fine_tuning",
    version=2,
    summary="train a task head and the encoder on the tokens that the labelled data use",
    config_class=FineTuningConfig,
    plan_class=FineTuningPlan,
    plan=plan,
    apply=apply,
    needs=("task", "data", "languages"),
    trains=True,
    exempt_from={
        "the_result_is_left_alone_by_the_same_options": "training goes on with the trained head",
        "tied_weights_stay_tied": "the LM head gives way to the head of the task",
        "asking_for_less_never_gives_more_parameters": "it trains what is there, at that size",
    },
)
