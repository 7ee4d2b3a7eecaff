"""Topic classification: what a sentence or an article is about."""

from pydantic.dataclasses import dataclass

from tinyglot.tasks.classification import (
    ACCURACY,
    F1_MACRO,
    F1_WEIGHTED,
    TextClassificationTask,
)


@dataclass(frozen=True, kw_only=True)
class TopicClassification(TextClassificationTask):
    """Name the topic of a text, as in SIB-200 and MasakhaNEWS."""

    id = "topic"
    summary = "Topic classification: a label for a text, accuracy."
    kind = "text"
    metrics = (ACCURACY, F1_MACRO, F1_WEIGHTED)
