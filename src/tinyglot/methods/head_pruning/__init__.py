"""Remove attention heads by their importance."""

from tinyglot.methods.contract import Method
from tinyglot.methods.head_pruning.apply import apply
from tinyglot.methods.head_pruning.config import HeadPruningConfig
from tinyglot.methods.head_pruning.plan import HeadPruningPlan, plan

METHOD = Method(
    name="head_pruning",
    version=1,
    summary="remove the attention heads that matter least to your languages, at unchanged width",
    config_class=HeadPruningConfig,
    plan_class=HeadPruningPlan,
    plan=plan,
    apply=apply,
    trains=True,
)
