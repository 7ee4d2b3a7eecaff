"""Named entity recognition: IOB2 tags, F1 over entities as seqeval counts them."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.iob import is_legal_tag, spans
from tinyglot.errors import UnknownLabelError
from tinyglot.tasks.scores import f1, f1_of_last
from tinyglot.tasks.tagging import WordTaggingTask, check_word_counts
from tinyglot.tasks.task import Metric
from tinyglot.tasks.token_tags import Tags, by_token

OUTSIDE = "O"


@dataclass(frozen=True, kw_only=True)
class NamedEntityRecognition(WordTaggingTask):
    """Find persons, places, organisations and other names in sentences of words."""

    id = "ner"
    kind = "ner"
    summary = "Named entity recognition: IOB2 tags on words, micro-averaged F1 over entities."
    metrics = (Metric("f1", f1),)
    optional_metrics = (Metric("f1_published", f1_of_last),)

    def labels(self, *examples: Iterable[TaggedSentence]) -> tuple[str, ...]:
        """Give ``O``, then ``B-`` and ``I-`` of every entity type that occurs, sorted.

        Both labels of a type are there even if only one occurs, so that the first two-word
        entity of a rare type in the test data is no unknown label.

        Args:
            *examples: Training sentences, one or more lists.

        Returns:
            For two types ``O, B-LOC, B-PER, I-LOC, I-PER``.

        Raises:
            UnknownLabelError: If tags are not IOB2.
        """
        tags = {tag for sentences in examples for sentence in sentences for tag in sentence.tags}
        _check_iob2(tags)
        types = sorted(tag[2:] for tag in tags if tag != OUTSIDE)
        pairs = {f"{prefix}-{name}" for name in types for prefix in "BI"}
        return (OUTSIDE, *sorted(pairs))

    def check_labels(self, labels: Sequence[str]) -> None:
        """Refuse label names that are not IOB2, such as ``LABEL_0``.

        Args:
            labels: The model's labels in the order of their ids.

        Raises:
            UnknownLabelError: If labels are not IOB2 or doubled.
        """
        _check_iob2(labels)

    def count(self, gold: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> NDArray[np.int64]:
        """Count entities sentence by sentence.

        An entity is right if its type, its first and its last word are. A predicted ``I-`` that
        follows no entity of its type begins one, as in conlleval and in seqeval's default mode.

        Args:
            gold: Sentences with the correct tags.
            predicted: One tag a word, sentence by sentence.

        Returns:
            One row a sentence: entities predicted rightly, predicted, and in the correct tags;
            the same again over tokens if the published metric is asked for.

        Raises:
            DataFormatError: If sentences or words differ in number, or the published metric is
                asked for of predictions that are of words only.
        """
        check_word_counts([sentence.tags for sentence in gold], predicted)
        pairs = [(one.tags, tags) for one, tags in zip(gold, predicted, strict=True)]
        rows = [_counts(*pair) for pair in pairs]
        counts = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
        if not self.published_metric:
            return counts
        tokens = [_counts(*by_token(*pair)) for pair in pairs]
        return np.hstack((counts, np.array(tokens, dtype=np.int64).reshape(len(rows), 3)))


def _counts(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int, int]:
    correct, found = set(spans(gold)), set(spans(predicted))
    return len(correct & found), len(found), len(correct)


def _check_iob2(labels: Iterable[str]) -> None:
    names = list(labels)
    wrong = sorted({n for n in names if not is_legal_tag(n) or n[0] not in "OBI"})
    doubled = sorted({name for name in names if names.count(name) > 1})
    if not wrong and not doubled:
        return
    raise UnknownLabelError(
        f"Could not use {len(wrong) + len(doubled)} label(s): not IOB2, or given twice.",
        got=", ".join(map(repr, wrong + doubled)),
        expected="O, B-TYPE and I-TYPE, each once",
        fix="read data with tinyglot's readers, and give a model fine-tuned for this task",
    )
