"""Keep the tokens that the languages need; slice every matrix with a vocabulary axis."""

from tinyglot.methods.contract import Method
from tinyglot.methods.vocabulary_trimming.apply import apply
from tinyglot.methods.vocabulary_trimming.config import VocabularyTrimmingConfig
from tinyglot.methods.vocabulary_trimming.plan import VocabularyTrimmingPlan, plan

METHOD = Method(
    name="vocabulary_trimming",
    version=1,
    summary="keep the tokens that the languages need and remove the other embedding rows",
    config_class=VocabularyTrimmingConfig,
    plan_class=VocabularyTrimmingPlan,
    plan=plan,
    apply=apply,
    needs=("languages", "text"),
)

__all__ = ["METHOD", "VocabularyTrimmingConfig", "VocabularyTrimmingPlan"]
