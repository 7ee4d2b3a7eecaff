"""Paraphrase identification: do two sentences mean the same."""

from pydantic.dataclasses import dataclass

from tinyglot.tasks.classification import ACCURACY, F1_MACRO, TextClassificationTask


@dataclass(frozen=True, kw_only=True)
class ParaphraseIdentification(TextClassificationTask):
    """Tell paraphrases from other sentences of the same words, as in PAWS-X."""

    id = "paraphrase"
    summary = "Paraphrase identification: a label for two sentences, accuracy."
    kind = "pair"
    metrics = (ACCURACY, F1_MACRO)
