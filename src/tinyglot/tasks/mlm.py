"""Masked language modelling: how well a model guesses words of running text."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from transformers import PreTrainedTokenizerFast

from tinyglot.errors import DataFormatError, UnsupportedTokenizerError
from tinyglot.tasks.task import IGNORED_LABEL, Counts, Encoded, Metric, Task
from tinyglot.tasks.words import check_length, special_affixes, token_ids, without_special_ids

MAX_EXPONENT = 700.0  # e^700 is still a number
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
    r"|[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]+"
)


class Surprise(NamedTuple):
    """What the tokens of a line cost a model that sees all others.

    Attributes:
        nats: Minus the sum of the logarithms of their probabilities.
        num_tokens: How many they are.
    """

    nats: float
    num_tokens: int


def loss(totals: Counts) -> NDArray[np.float64]:
    """Average over tokens.

    Args:
        totals: Nats, tokens and words in the last axis.

    Returns:
        Nats a token.
    """
    return _nats_each(totals, 1)


def pseudo_perplexity(totals: Counts) -> NDArray[np.float64]:
    """Average over words, as a perplexity.

    Args:
        totals: Nats, tokens and words in the last axis.

    Returns:
        The exponential of nats a word; at most e^700.
    """
    perplexity: NDArray[np.float64] = np.exp(np.minimum(_nats_each(totals, 2), MAX_EXPONENT))
    return perplexity


def _nats_each(totals: Counts, column: int) -> NDArray[np.float64]:
    sums = np.asarray(totals, dtype=np.float64)
    nats: NDArray[np.float64] = sums[..., 0] / np.maximum(sums[..., column], 1)
    return nats


@dataclass(frozen=True)
class MaskedLanguageModelling(Task[str, Surprise]):
    """Guess the tokens of a line that are hidden from the model.

    Training hides tokens at random; evaluation hides every token exactly once, which needs no
    random numbers.

    Attributes:
        kind: As in ``Task``.
        id: As in ``Task``.
        summary: As in ``Task``.
        head: As in ``Task``.
        metrics: As in ``Task``.
        objective: As in ``Task``.
        mask_probability: Share of the tokens that training hides.
        max_lines: Lines of a split that are scored, evenly spaced, since a line takes as many
            passes as it has tokens; 0: all.
        mask_every: Evaluation hides every nth token at once, so that a line takes n passes; 0
            hides one at a time, a pass a token.
    """

    kind = "lines"
    id = "mlm"
    summary = "Masked language modelling: nats a token and pseudo-perplexity a word; no labels."
    head = "AutoModelForMaskedLM"
    metrics = (
        Metric("loss", loss, "nats", higher_is_better=False),
        Metric("pseudo_perplexity", pseudo_perplexity, "perplexity", higher_is_better=False),
    )
    objective = "masked_lm"

    mask_probability: Annotated[float, Field(gt=0, lt=1)] = 0.15
    max_lines: Annotated[int, Field(ge=0)] = 100
    mask_every: Annotated[int, Field(ge=0)] = 0

    def scored_examples(self, examples: Sequence[str]) -> Sequence[str]:
        """Choose ``max_lines`` lines.

        Args:
            examples: All lines of the split.

        Returns:
            Evenly spaced ones, or all if they are no more.
        """
        wanted = self.max_lines or len(examples)
        if wanted >= len(examples):
            return examples
        return [examples[place * len(examples) // wanted] for place in range(wanted)]

    def labels(self, *examples: Iterable[str]) -> tuple[str, ...]:
        """Give no labels: the vocabulary is what is predicted.

        Args:
            *examples: Not looked at.

        Returns:
            Nothing.
        """
        del examples
        return ()

    def encode(
        self,
        examples: Sequence[str],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn lines into sequences with masks, each token hidden in exactly one of them.

        Args:
            examples: Lines.
            tokenizer: The model's tokenizer, with a mask token; left as it was.
            labels: Not looked at.
            max_length: Most tokens a sequence may have; a longer line is cut into equal parts.

        Returns:
            Sequences whose labels are the hidden tokens, all of a line before those of the next.

        Raises:
            SequenceLengthError: If ``max_length`` leaves no room for text.
            UnsupportedTokenizerError: If there is no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise _no_mask_token()
        whole = self.training_sequences(examples, tokenizer, labels, max_length)
        mask = int(tokenizer.mask_token_id)
        return [part for sequence in whole for part in self._masked(sequence, mask)]

    def _masked(self, sequence: Encoded, mask_token_id: int) -> Iterator[Encoded]:
        labels = np.array(sequence.labels)
        places = np.flatnonzero(labels != IGNORED_LABEL)
        passes = min(self.mask_every or len(places), len(places))
        for first in range(max(passes, 1)):
            hidden = places[first :: max(passes, 1)]
            input_ids = np.array(sequence.input_ids)
            input_ids[hidden] = mask_token_id
            wanted = np.full_like(labels, IGNORED_LABEL)
            wanted[hidden] = labels[hidden]
            yield Encoded(
                input_ids=input_ids.tolist(), labels=wanted.tolist(), example=sequence.example
            )

    def training_sequences(
        self,
        examples: Sequence[str],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn lines into sequences without masks; training hides tokens anew in every epoch.

        Args:
            examples: Lines.
            tokenizer: The model's tokenizer; left as it was.
            labels: Not looked at.
            max_length: Most tokens a sequence may have; a longer line is cut into equal parts.

        Returns:
            Sequences whose labels are their own ordinary tokens.

        Raises:
            SequenceLengthError: If ``max_length`` leaves no room for text.
        """
        del labels
        before, after = special_affixes(tokenizer)
        room = check_length(max_length, len(before) + len(after))
        id_lists = token_ids(tokenizer, list(examples)) if examples else []
        return [
            Encoded(
                input_ids=[*before, *part, *after],
                labels=[IGNORED_LABEL] * len(before) + part + [IGNORED_LABEL] * len(after),
                example=number,
            )
            for number, ids in enumerate(without_special_ids(tokenizer, id_lists))
            for part in _equal_parts(ids, room)
        ]

    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[Surprise]:
        """Add up what the hidden tokens of a line cost.

        Args:
            encoded: What ``encode`` gave.
            logits: For each of them, the logarithms of the probabilities of its labels.
            labels: Not looked at.

        Returns:
            One sum a line.
        """
        del labels
        found: dict[int, Surprise] = {}
        for sequence, outputs in zip(encoded, logits, strict=True):
            hidden = np.flatnonzero(np.array(sequence.labels) != IGNORED_LABEL)
            nats, num_tokens = found.get(sequence.example, Surprise(0.0, 0))
            nats -= float(outputs[hidden].sum(dtype=np.float64))
            found[sequence.example] = Surprise(nats, num_tokens + len(hidden))
        return [found[number] for number in sorted(found)]

    def count(self, gold: Sequence[str], predicted: Sequence[Surprise]) -> NDArray[np.float64]:
        """Put nats beside tokens and words.

        Args:
            gold: Lines.
            predicted: One sum a line.

        Returns:
            One row a line: nats, tokens and words.

        Raises:
            DataFormatError: If lines and sums differ in number.
        """
        if len(gold) != len(predicted):
            raise DataFormatError(
                "Could not score lines: they are not as many as the outputs.",
                got=f"{len(predicted)} outputs",
                expected=f"{len(gold)}, one a line",
                fix="decode the outputs of the same encoded lines",
            )
        rows = [(*cost, num_words(line)) for line, cost in zip(gold, predicted, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 3)


def num_words(line: str) -> int:
    """Count words: runs between spaces; in scripts without spaces, every character is one.

    Args:
        line: Any text.

    Returns:
        At least 1.

    Example:
        >>> num_words("Habari ya asubuhi!"), num_words("你好 world")
        (3, 3)
    """
    return max(1, len(_WORD.findall(line)))


def _equal_parts(ids: list[int], room: int) -> Iterator[list[int]]:
    """Cut ids into as few parts as fit, of about equal length; no ids are one empty part."""
    num_parts = max(1, -(-len(ids) // room))
    borders = [len(ids) * number // num_parts for number in range(num_parts + 1)]
    for start, end in itertools.pairwise(borders):
        yield ids[start:end]


def _no_mask_token() -> UnsupportedTokenizerError:
    return UnsupportedTokenizerError(
        "Could not mask tokens: the tokenizer has no mask token.",
        got="mask_token: null",
        expected="a tokenizer with a mask token, such as <mask>",
        fix="take a model that was pretrained by masked language modelling",
    )
