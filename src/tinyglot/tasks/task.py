"""What a task is: reading, encoding, decoding, and a score made of counts per example."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

ExampleT = TypeVar("ExampleT")
PredictionT = TypeVar("PredictionT")

IGNORED_LABEL = -100


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sequence for the model: an example, or a part of one that is too long.

    Attributes:
        input_ids: Token ids with the special tokens around them, no padding.
        labels: One label id a token; -100 where the loss has nothing to look at.
        example: Position of the example in the list that was encoded.
        first_word: The example's first word in this sequence.
        num_words: Words in this sequence.
    """

    input_ids: list[int]
    labels: list[int]
    example: int
    first_word: int
    num_words: int


class Task(ABC, Generic[ExampleT, PredictionT]):
    """One kind of labelled data, from file to score; a task has no state.

    Attributes:
        id: Name in commands and recipes.
        summary: One sentence for ``tinyglot ls tasks``.
        metric_name: What ``score`` is called in results.
        head: The transformers Auto class with the head that the task needs.
    """

    id: ClassVar[str]
    summary: ClassVar[str]
    metric_name: ClassVar[str]
    head: ClassVar[str]

    @abstractmethod
    def read(self, source: str, language: str, split: str) -> list[ExampleT]:
        """Read the examples of one language and split.

        Args:
            source: A data directory or a hub id.
            language: Any code that ``resolve_language`` accepts.
            split: ``train``, ``dev`` or ``test``.

        Returns:
            At least one example, in the source's order.
        """

    @abstractmethod
    def labels(self, *examples: Iterable[ExampleT]) -> tuple[str, ...]:
        """Give the labels that a model for these examples needs, in the order of their ids.

        Args:
            *examples: Training examples, one or more lists.

        Returns:
            Distinct labels, the same for every order of the examples.
        """

    @abstractmethod
    def encode(
        self,
        examples: Sequence[ExampleT],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn examples into sequences of token ids with label ids.

        Args:
            examples: Labelled examples.
            tokenizer: The model's tokenizer; left as it was.
            labels: The model's labels in the order of their ids.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            Sequences, all of an example before those of the next.
        """

    @abstractmethod
    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[PredictionT]:
        """Turn the model's outputs into one prediction an example.

        Args:
            encoded: What ``encode`` gave.
            logits: The outputs for each of them, as ``predict`` gives them.
            labels: The model's labels in the order of their ids.

        Returns:
            Predictions in the order of the examples.
        """

    @abstractmethod
    def count(
        self, gold: Sequence[ExampleT], predicted: Sequence[PredictionT]
    ) -> NDArray[np.int64]:
        """Count, example by example, what the score is made of.

        Args:
            gold: Labelled examples.
            predicted: One prediction an example.

        Returns:
            One row an example; their sum is all that ``score`` needs.
        """

    @abstractmethod
    def scores(self, totals: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn sums of counts into scores, many at a time.

        Args:
            totals: Sums of rows of ``count`` in the last axis, any axes before it.

        Returns:
            A score in [0, 1] for each sum; higher is better.
        """

    def score(self, totals: NDArray[np.int64] | NDArray[np.float64]) -> float:
        """Turn one sum of counts into the score.

        Args:
            totals: ``count(gold, predicted).sum(axis=0)``.

        Returns:
            The score in [0, 1]; higher is better.
        """
        return float(self.scores(totals))
