"""Keep some of the layers and take the others out."""

from tinyglot.methods.contract import Method
from tinyglot.methods.layer_dropping.apply import apply
from tinyglot.methods.layer_dropping.config import LayerDroppingConfig
from tinyglot.methods.layer_dropping.plan import LayerDroppingPlan, plan

METHOD = Method(
    name="layer_dropping",
    version=1,
    summary="keep some of the layers, by place or by what they do to your text; drop the others",
    config_class=LayerDroppingConfig,
    plan_class=LayerDroppingPlan,
    plan=plan,
    apply=apply,
)
