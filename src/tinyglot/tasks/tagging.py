"""Tasks that tag every word: labels sit on the first token of each word."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from transformers import PreTrainedTokenizerFast

from tinyglot.data.conll import TaggedSentence
from tinyglot.errors import DataFormatError, UnknownLabelError
from tinyglot.tasks.task import IGNORED_LABEL, Encoded, Metric, Task
from tinyglot.tasks.token_tags import Tags, TokenTags
from tinyglot.tasks.words import (
    WordPieces,
    check_length,
    special_affixes,
    word_pieces,
    word_windows,
)

MAX_LABELS_SHOWN = 20


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class WordWindow(Encoded):
    """The words of a sentence that are in one sequence.

    Attributes:
        first_word: The sentence's first word in this sequence.
        num_words: Words in this sequence.
        end: Position after the last token of the last word.
    """

    first_word: int
    num_words: int
    end: int


@dataclass(frozen=True, kw_only=True)
class WordTaggingTask(Task[TaggedSentence, Tags]):
    """Reading, encoding and decoding of tasks with one tag a word.

    Attributes:
        head: As in ``Task``.
        label_all_subtokens: Train on the label of a word at all of its tokens, as published code
            does; else at the first one. What is scored does not change.
        published_metric: Score ``f1_published``, too: seqeval over the tags of all tokens, a
            word's correct tag repeated on each of its tokens.
    """

    head = "AutoModelForTokenClassification"

    label_all_subtokens: bool = False
    published_metric: bool = False

    @property
    def scored_metrics(self) -> tuple[Metric, ...]:
        """List the metrics that results have: the published one only if it is asked for.

        Returns:
            The main one first.
        """
        return (*self.metrics, *(self.optional_metrics if self.published_metric else ()))

    def encode(
        self,
        examples: Sequence[TaggedSentence],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn sentences into token ids, with each word's label on its first token.

        A sentence that is too long becomes several sequences, cut between words; ``decode`` puts
        them together again. A single word that is too long keeps its first tokens. No word is
        ever lost.

        Args:
            examples: Tagged sentences.
            tokenizer: The model's tokenizer; left as it was.
            labels: The model's labels in the order of their ids.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            Sequences, all of a sentence before those of the next.

        Raises:
            UnknownLabelError: If tags occur that are not among the labels; all are listed.
            SequenceLengthError: If ``max_length`` leaves no room for words.
            UnsupportedTokenizerError: If a word becomes no token and there is no unknown token.
        """
        self.check_labels(labels)
        _check_tags(examples, labels)
        affixes = special_affixes(tokenizer)
        budget = check_length(max_length, len(affixes[0]) + len(affixes[1]))
        pieces = word_pieces(tokenizer, (w for example in examples for w in example.words))
        pieces = {word: ids[:budget] for word, ids in pieces.items()}
        label_ids = {label: number for number, label in enumerate(labels)}
        return [
            _encoded_window(pieces, example, (number, first, size), affixes, label_ids)
            for number, example in enumerate(examples)
            for first, size in word_windows([len(pieces[w]) for w in example.words], budget)
        ]

    def training_sequences(
        self,
        examples: Sequence[TaggedSentence],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn sentences into what a model is trained on; see ``label_all_subtokens``.

        Args:
            examples: As for ``encode``.
            tokenizer: As for ``encode``.
            labels: As for ``encode``.
            max_length: As for ``encode``.

        Returns:
            What ``encode`` gives, with labels on all tokens of the words if that is asked for.
        """
        encoded = self.encode(examples, tokenizer, labels, max_length)
        if not self.label_all_subtokens:
            return encoded
        return [_labelled_throughout(part) for part in cast(list[WordWindow], encoded)]

    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[Tags]:
        """Give every word the label with the highest output at its first token.

        Args:
            encoded: What ``encode`` gave.
            logits: The outputs for each of them, one row a token, one column a label.
            labels: The model's labels in the order of their ids.

        Returns:
            One tag a word, sentence by sentence; ``TokenTags`` if the published metric is
            asked for.

        Raises:
            UnknownLabelError: If the outputs are not as many as the labels.
        """
        self.check_labels(labels)
        sentences: dict[int, list[Tags]] = {}
        parts = zip(cast(Sequence[WordWindow], encoded), logits, strict=True)
        for part, outputs in sorted(parts, key=lambda pair: (pair[0].example, pair[0].first_word)):
            _check_width(outputs, labels)
            best = [labels[number] for number in outputs.argmax(axis=-1)]
            words = sentences.setdefault(part.example, [])
            words.extend(tuple(best[start:end]) for start, end in _token_runs(part))
        if self.published_metric:
            return [TokenTags(words) for words in sentences.values()]
        return [tuple(word[0] for word in words) for words in sentences.values()]

    @abstractmethod
    def check_labels(self, labels: Sequence[str]) -> None:
        """Refuse label names that the task cannot interpret.

        Args:
            labels: The model's labels in the order of their ids.
        """


def check_word_counts(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> None:
    """Refuse to compare tags of different sentences.

    Args:
        gold: Correct tags, one sequence a sentence.
        predicted: Predicted tags, one sequence a sentence.

    Raises:
        DataFormatError: If sentences or words differ in number.
    """
    lengths = [len(tags) for tags in gold], [len(tags) for tags in predicted]
    if lengths[0] == lengths[1]:
        return
    pairs = enumerate(zip(*lengths, strict=False))
    first = next((number for number, (a, b) in pairs if a != b), min(map(len, lengths)))
    raise DataFormatError(
        "Could not compare predicted with correct tags: they differ in number.",
        got=f"{len(predicted)} predicted sentences; the first difference is at sentence {first}",
        expected=f"{len(gold)} sentences with as many predicted tags as words",
        fix="decode the outputs of the same encoded sentences",
    )


def _check_tags(examples: Sequence[TaggedSentence], labels: Sequence[str]) -> None:
    unknown = Counter(tag for example in examples for tag in example.tags)
    for label in labels:
        unknown.pop(label, None)
    if not unknown:
        return
    first = next(e for e in examples if not unknown.keys().isdisjoint(e.tags))
    listed = ", ".join(f"{tag} ({n}x)" for tag, n in unknown.most_common(MAX_LABELS_SHOWN))
    raise UnknownLabelError(
        f"Could not encode {len(unknown)} label(s): the model does not know them.",
        got=f"{listed}; first in the sentence {' '.join(first.words[:12])!r}",
        expected=f"labels {', '.join(labels)}",
        fix="fine-tune on data with these labels, or take them out of this data",
    )


def _check_width(outputs: NDArray[np.float32], labels: Sequence[str]) -> None:
    if outputs.shape[-1] == len(labels):
        return
    raise UnknownLabelError(
        "Could not name the model's outputs.",
        got=f"{outputs.shape[-1]} outputs a token",
        expected=f"{len(labels)}, one for each of {', '.join(labels)}",
        fix="give the labels of this model, in the order of its config's id2label",
    )


def _encoded_window(
    pieces: WordPieces,
    example: TaggedSentence,
    place: tuple[int, int, int],
    affixes: tuple[list[int], list[int]],
    label_ids: dict[str, int],
) -> WordWindow:
    number, first, size = place
    window = slice(first, first + size)
    input_ids = list(affixes[0])
    labels = [IGNORED_LABEL] * len(affixes[0])
    for word, tag in zip(example.words[window], example.tags[window], strict=True):
        ids = pieces[word]
        input_ids += ids
        labels += [label_ids[tag]] + [IGNORED_LABEL] * (len(ids) - 1)
    labels += [IGNORED_LABEL] * len(affixes[1])
    return WordWindow(
        input_ids=input_ids + affixes[1],
        labels=labels,
        example=number,
        first_word=first,
        num_words=size,
        end=len(input_ids),
    )


def _token_runs(part: WordWindow) -> list[tuple[int, int]]:
    """First and last token of each word, the last one exclusive."""
    starts = [i for i, label in enumerate(part.labels) if label != IGNORED_LABEL]
    return list(zip(starts, [*starts[1:], part.end], strict=True))


def _labelled_throughout(part: WordWindow) -> WordWindow:
    labels = list(part.labels)
    for start, end in _token_runs(part):
        labels[start:end] = [labels[start]] * (end - start)
    return replace(part, labels=labels)
