"""Remove neurons of the feed-forward layers by their importance."""

from tinyglot.methods.contract import Method
from tinyglot.methods.ffn_pruning.apply import apply
from tinyglot.methods.ffn_pruning.config import FfnPruningConfig
from tinyglot.methods.ffn_pruning.plan import FfnPruningPlan, plan

METHOD = Method(
    name="ffn_pruning",
    version=1,
    summary="remove the feed-forward neurons that matter least to your languages",
    config_class=FfnPruningConfig,
    plan_class=FfnPruningPlan,
    plan=plan,
    apply=apply,
    trains=True,
)
