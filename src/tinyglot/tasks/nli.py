"""Natural language inference: does a premise entail, contradict or leave open a hypothesis."""

from pydantic.dataclasses import dataclass

from tinyglot.tasks.classification import ACCURACY, F1_MACRO, TextClassificationTask


@dataclass(frozen=True, kw_only=True)
class NaturalLanguageInference(TextClassificationTask):
    """Say what follows from a premise, as in XNLI."""

    id = "nli"
    summary = "Natural language inference: a label for premise and hypothesis, accuracy."
    kind = "pair"
    metrics = (ACCURACY, F1_MACRO)
