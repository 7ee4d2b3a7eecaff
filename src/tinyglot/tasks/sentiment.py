"""Sentiment classification: is a text positive, negative or neutral."""

from pydantic.dataclasses import dataclass

from tinyglot.tasks.classification import (
    ACCURACY,
    F1_MACRO,
    F1_WEIGHTED,
    TextClassificationTask,
)


@dataclass(frozen=True, kw_only=True)
class SentimentClassification(TextClassificationTask):
    """Say what a text feels about its subject, as in AfriSenti and NusaX."""

    id = "sentiment"
    summary = "Sentiment classification: a label for a text, macro-averaged F1 over labels."
    kind = "text"
    metrics = (F1_MACRO, F1_WEIGHTED, ACCURACY)
