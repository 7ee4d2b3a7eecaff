"""What a task is: reading, encoding, decoding, and scores made of counts per example."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from tinyglot.data.reading import read_examples

ExampleT = TypeVar("ExampleT")
PredictionT = TypeVar("PredictionT")
Counts = NDArray[np.int64] | NDArray[np.float64]

IGNORED_LABEL = -100

TaskOption = str | int | float | bool
"""The value of an option of a task."""


class Metric(NamedTuple):
    """A score of a task: a function of counts that are summed over examples.

    Attributes:
        name: What it is called in results.
        scores: From sums of rows of ``Task.count`` (last axis) to one score for each sum.
        unit: ``fraction`` for scores in [0, 1], which tables show times 100; ``nats`` and others
            are shown as they are.
        higher_is_better: Which of two scores is the better one.
    """

    name: str
    scores: Callable[[Counts], NDArray[np.float64]]
    unit: Literal["fraction", "nats", "perplexity"] = "fraction"
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One sequence for the model: an example, or a part of one that is too long.

    Tasks that must find their way back to the example add fields in a class of their own.

    Attributes:
        input_ids: Token ids with the special tokens around them, no padding.
        labels: Label ids; -100 where the loss has nothing to look at. One a token in tagging, one
            in classification, positions of the first and last token in tasks that find a span.
        example: Position of the example in the list that was encoded.
        token_type_ids: Which of two texts each token belongs to, for models that are told.
    """

    input_ids: list[int]
    labels: list[int]
    example: int
    token_type_ids: list[int] | None = None


class Task(ABC, Generic[ExampleT, PredictionT]):
    """One kind of labelled data, from file to scores; its fields are options, it has no state.

    Attributes:
        kind: What ``tinyglot.data.reading`` calls the data.
        id: Name in commands and recipes.
        summary: One sentence for ``tinyglot ls tasks``.
        head: The transformers Auto class with the head that the task needs.
        metrics: The main one first.
        optional_metrics: Further ones, which an option of the task asks for.
        objective: What training makes small: ``labels`` (cross-entropy of ``Encoded.labels``),
            ``masked_lm`` (of tokens that are masked anew in every epoch), or nothing.
    """

    kind: ClassVar[str]
    id: ClassVar[str]
    summary: ClassVar[str]
    head: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    optional_metrics: ClassVar[tuple[Metric, ...]] = ()
    objective: ClassVar[Literal["labels", "masked_lm"] | None] = "labels"

    def read(self, source: str, language: str, split: str) -> list[ExampleT]:
        """Read the examples of one language and split; see ``tinyglot.data.reading``.

        Args:
            source: A data directory, a catalogue id or a hub id.
            language: Any code that ``resolve_language`` accepts.
            split: ``train``, ``dev`` or ``test``, also a slice.

        Returns:
            At least one example, in the source's order.
        """
        return cast(list[ExampleT], read_examples(self.kind, source, language, split))

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

    def training_sequences(
        self,
        examples: Sequence[ExampleT],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn examples into the sequences that a model is trained on.

        Args:
            examples: Labelled examples.
            tokenizer: The model's tokenizer; left as it was.
            labels: The model's labels in the order of their ids.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            What ``encode`` gives, unless a task says otherwise.
        """
        return self.encode(examples, tokenizer, labels, max_length)

    def scored_examples(self, examples: Sequence[ExampleT]) -> Sequence[ExampleT]:
        """Choose the examples of a split that are scored.

        Args:
            examples: All of the split.

        Returns:
            All of them, unless a task says otherwise.
        """
        return examples

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
    def count(self, gold: Sequence[ExampleT], predicted: Sequence[PredictionT]) -> Counts:
        """Count, example by example, what the scores are made of.

        Args:
            gold: Labelled examples.
            predicted: One prediction an example.

        Returns:
            One row an example; their sum is all that a metric needs.
        """

    @property
    def scored_metrics(self) -> tuple[Metric, ...]:
        """List the metrics that results have.

        Returns:
            ``metrics``, unless a task says otherwise.
        """
        return self.metrics

    @property
    def hidden_layer(self) -> int | None:
        """Say whose outputs the task needs: the head's, or those of a layer of the encoder.

        Returns:
            ``None`` for the head's; else a layer, 0 for the embeddings, -1 for the last.
        """
        return None

    def reduce(self, encoded: Encoded, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep what ``decode`` needs of one sequence's output, so that no more is held in memory.

        Args:
            encoded: The sequence.
            output: The model's output for it, without padding.

        Returns:
            The output itself, unless a task says otherwise.
        """
        del encoded
        return output

    def decision(self, prediction: PredictionT) -> object:
        """Give what a prediction decides, without scores that another arithmetic rounds otherwise.

        Args:
            prediction: As ``decode`` gives it.

        Returns:
            The prediction itself, unless a task says otherwise; equal for equal decisions.
        """
        return prediction

    def text_of(self, example: ExampleT) -> str:
        """Show an example to a person.

        Args:
            example: Any example.

        Returns:
            Its text on one line.
        """
        words: Any = getattr(example, "words", None) or getattr(example, "texts", None)
        return " ".join(words) if words else str(example)

    def score(self, totals: Counts) -> float:
        """Turn one sum of counts into the main score.

        Args:
            totals: ``count(gold, predicted).sum(axis=0)``.

        Returns:
            The score.
        """
        return float(self.metrics[0].scores(totals))
