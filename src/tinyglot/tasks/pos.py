"""Part-of-speech tagging: universal tags, accuracy over words, F1 over runs of tags."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.conllu import UPOS
from tinyglot.errors import UnknownLabelError
from tinyglot.tasks.scores import accuracy, f1_after_accuracy, f1_of_last
from tinyglot.tasks.tagging import WordTaggingTask, check_word_counts
from tinyglot.tasks.task import Metric
from tinyglot.tasks.token_tags import Tags, by_token

Chunk = tuple[str, int, int]


@dataclass(frozen=True, kw_only=True)
class PartOfSpeechTagging(WordTaggingTask):
    """Tag words as in Universal Dependencies."""

    id = "pos"
    summary = "Part-of-speech tagging: universal tags (UPOS) on words, accuracy over words."
    kind = "pos"
    metrics = (Metric("accuracy", accuracy), Metric("chunk_f1", f1_after_accuracy))
    optional_metrics = (Metric("f1_published", f1_of_last),)

    def labels(self, *examples: Iterable[TaggedSentence]) -> tuple[str, ...]:
        """Give the 17 universal tags, so that models of all languages have the same labels.

        Args:
            *examples: Training sentences, one or more lists.

        Returns:
            The tags, sorted.

        Raises:
            UnknownLabelError: If other tags occur.
        """
        tags = {tag for sentences in examples for sentence in sentences for tag in sentence.tags}
        _check_upos(tags)
        return UPOS

    def check_labels(self, labels: Sequence[str]) -> None:
        """Refuse label names that are no universal tags.

        Args:
            labels: The model's labels in the order of their ids.

        Raises:
            UnknownLabelError: If labels are no universal tags, or doubled.
        """
        _check_upos(labels)

    def count(self, gold: Sequence[TaggedSentence], predicted: Sequence[Tags]) -> NDArray[np.int64]:
        """Count words and chunks sentence by sentence.

        Args:
            gold: Sentences with the correct tags.
            predicted: One tag a word, sentence by sentence.

        Returns:
            One row a sentence: words tagged rightly, words; chunks predicted rightly, predicted,
            and in the correct tags; chunks over tokens, too, if the published metric is asked for.

        Raises:
            DataFormatError: If sentences or words differ in number, or the published metric is
                asked for of predictions that are of words only.
        """
        check_word_counts([sentence.tags for sentence in gold], predicted)
        pairs = [(one.tags, tags) for one, tags in zip(gold, predicted, strict=True)]
        rows = [_counts(*pair) for pair in pairs]
        counts = np.array(rows, dtype=np.int64).reshape(len(rows), 5)
        if not self.published_metric:
            return counts
        tokens = [_counts(*by_token(*pair))[2:] for pair in pairs]
        return np.hstack((counts, np.array(tokens, dtype=np.int64).reshape(len(rows), 3)))


def tag_chunks(tags: Sequence[str]) -> Iterator[Chunk]:
    """Find the chunks that seqeval 1.2.2 sees in one sentence of tags without B- and I-.

    It takes the first letter of a tag for its IOB prefix and the rest for its type, so neighbours
    of one type are one chunk (``NOUN NOUN``; ``SCONJ`` and ``CCONJ`` are one type), ``S`` of
    ``SCONJ`` and ``SYM`` marks a chunk of one word, and an ``X`` that ends a sentence is no chunk.

    Args:
        tags: Of one sentence.

    Yields:
        Type, first word and last word.

    Example:
        >>> list(tag_chunks(["DET", "NOUN", "NOUN", "X"]))
        [('ET', 0, 0), ('OUN', 1, 2)]
    """
    before, kind_before, first = "O", "O", 0
    for number, tag in enumerate((*tags, "O")):
        letter, kind = tag[0], tag[1:] or "_"
        is_other = kind != kind_before
        if before == "S" or (before == "I" and letter in "SO") or (before != "O" and is_other):
            yield kind_before, first, number - 1
        if letter == "S" or (letter != "O" and is_other):
            first = number
        before, kind_before = letter, kind


def _counts(gold: Sequence[str], predicted: Sequence[str]) -> tuple[int, int, int, int, int]:
    right = sum(a == b for a, b in zip(gold, predicted, strict=True))
    correct, found = set(tag_chunks(gold)), set(tag_chunks(predicted))
    return right, len(gold), len(correct & found), len(found), len(correct)


def _check_upos(labels: Iterable[str]) -> None:
    names = list(labels)
    wrong = sorted({name for name in names if name not in UPOS})
    doubled = sorted({name for name in names if names.count(name) > 1})
    if not wrong and not doubled:
        return
    raise UnknownLabelError(
        f"Could not use {len(wrong) + len(doubled)} label(s): no universal tags, or given twice.",
        got=", ".join(map(repr, wrong + doubled)),
        expected=", ".join(UPOS),
        fix="give data with UPOS tags, and a model fine-tuned for this task",
    )
