"""Sentence retrieval: find the translation of a sentence among many, without training."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from transformers import PreTrainedTokenizerFast

from tinyglot.data.examples import Parallel
from tinyglot.errors import DataFormatError
from tinyglot.tasks.neighbours import (
    FloatArray,
    IntArray,
    Margin,
    best_threshold,
    mined_pairs,
    nearest,
    scored_neighbours,
    unit_vectors,
)
from tinyglot.tasks.scores import accuracy, f1_after_accuracy
from tinyglot.tasks.task import Encoded, Metric, Task
from tinyglot.tasks.texts import TextSequence, text_tokens

NOTHING = -1


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Side(TextSequence):
    """One of the two sentences of an example.

    Attributes:
        is_target: Whether it is the translation.
    """

    is_target: bool


class Retrieved(NamedTuple):
    """What was found for the source of one example; positions are those of examples.

    Attributes:
        target: The nearest target; -1 for an example without source.
        mined: The target that makes a pair with it; -1 if none does.
        score: The pair's margin; minus infinity without a pair.
    """

    target: int
    mined: int
    score: float


@dataclass(frozen=True, kw_only=True)
class SentenceRetrieval(Task[Parallel, Retrieved]):
    """Find translations by the distance of sentence vectors, as in Tatoeba and BUCC.

    Attributes:
        kind: As in ``Task``.
        id: As in ``Task``.
        summary: As in ``Task``.
        head: As in ``Task``.
        metrics: As in ``Task``.
        objective: As in ``Task``.
        layer: Whose outputs are taken: 0 for the embeddings, -1 for the last layer.
        pooling: ``mean`` of all tokens, special ones included, or ``cls``, the first token.
        prefix: Stands before every text; models of the E5 family want ``query: ``.
        similarity: What the nearest target has the highest of: ``cosine``, or ``margin``.
        k: Size of the neighbourhoods of the margin.
        margin: ``ratio``, ``distance``, or ``absolute`` (the cosine itself).
        threshold: Pairs with a higher margin are mined; ``None`` takes the threshold with the
            highest F1 on the scored examples themselves, as XTREME does on BUCC's dev split.
    """

    kind = "parallel"
    id = "retrieval"
    summary = "Sentence retrieval: nearest translations by cosine, pairs mined by margin; no head."
    head = "AutoModel"
    metrics = (Metric("accuracy", accuracy), Metric("f1_margin", f1_after_accuracy))
    objective = None

    layer: int = -1
    pooling: Literal["mean", "cls"] = "mean"
    prefix: str = ""
    similarity: Literal["cosine", "margin"] = "cosine"
    k: Annotated[int, Field(ge=1)] = 4
    margin: Margin = "ratio"
    threshold: float | None = None

    def labels(self, *examples: Iterable[Parallel]) -> tuple[str, ...]:
        """Give none.

        Args:
            *examples: Looked at by nobody.

        Returns:
            Nothing.
        """
        del examples
        return ()

    @property
    def hidden_layer(self) -> int:
        """Ask for the outputs of a layer.

        Returns:
            The option ``layer``.
        """
        return self.layer

    def encode(
        self,
        examples: Sequence[Parallel],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn each sentence of each example into a sequence; ends that are too long are cut.

        Args:
            examples: Sentences with their translations, or alone.
            tokenizer: The model's tokenizer; left as it was.
            labels: Of no use here.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            One or two sequences an example, the source first.

        Raises:
            DataFormatError: If there is no source or no target at all.
            SequenceLengthError: If ``max_length`` leaves no room for text.
        """
        del labels
        sides = [
            (number, is_target, text)
            for number, example in enumerate(examples)
            for is_target, text in enumerate((example.source, example.target))
            if text is not None
        ]
        _check_both_sides({is_target for _, is_target, _ in sides}, len(examples))
        texts = [(self.prefix + text,) for _, _, text in sides]
        found = text_tokens(tokenizer, texts, max_length)
        return [
            Side(
                input_ids=tokens.input_ids,
                labels=[],
                example=number,
                token_type_ids=tokens.token_type_ids,
                is_cut=tokens.is_cut,
                is_target=bool(is_target),
            )
            for (number, is_target, _), tokens in zip(sides, found, strict=True)
        ]

    def reduce(self, encoded: Encoded, output: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make one vector of a sequence's outputs.

        Args:
            encoded: The sequence.
            output: One row a token.

        Returns:
            The mean of the rows, or the first.
        """
        del encoded
        vector: FloatArray = output.mean(axis=0) if self.pooling == "mean" else output[0]
        return vector

    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[Retrieved]:
        """Find the nearest target of every source, and mine pairs.

        Args:
            encoded: What ``encode`` gave.
            logits: One vector each, as ``reduce`` gives them.
            labels: Of no use here.

        Returns:
            One entry an example.
        """
        del labels
        source_ids, sources = _vectors(encoded, logits, is_target=False)
        target_ids, targets = _vectors(encoded, logits, is_target=True)
        forward, backward = scored_neighbours(sources, targets, self.k, self.margin)
        best = forward if self.similarity == "margin" else nearest(sources, targets, 1)
        column = best.cosines.argmax(axis=1)
        first, second, scores = mined_pairs(forward, backward)
        mined = np.full(len(sources), NOTHING), np.full(len(sources), -np.inf)
        mined[0][first], mined[1][first] = target_ids[second], scores
        found = {
            int(source): Retrieved(int(target_ids[row[place]]), int(pair), float(score))
            for source, row, place, pair, score in zip(
                source_ids, best.positions, column, *mined, strict=True
            )
        }
        missing = Retrieved(NOTHING, NOTHING, -np.inf)
        num_examples = 1 + max(part.example for part in encoded)
        return [found.get(number, missing) for number in range(num_examples)]

    def decision(self, prediction: Retrieved) -> tuple[int, int]:
        """Leave out the pair's margin.

        Args:
            prediction: What was found for a source.

        Returns:
            The nearest target and the mined one.
        """
        return prediction.target, prediction.mined

    def count(self, gold: Sequence[Parallel], predicted: Sequence[Retrieved]) -> NDArray[np.int64]:
        """Count found translations and mined pairs.

        Args:
            gold: Sentences with their translations, or alone.
            predicted: What was found for each.

        Returns:
            One row an example: nearest target right, has a translation; pair right, pair mined
            above the threshold, has a translation.

        Raises:
            DataFormatError: If the predictions are not as many as the examples.
        """
        _check_number(gold, predicted)
        number = np.arange(len(gold))
        is_pair = np.array([None not in (e.source, e.target) for e in gold], dtype=bool)
        target, mined = (np.array([p[i] for p in predicted], dtype=np.int64) for i in (0, 1))
        scores = np.array([p.score for p in predicted], dtype=np.float64)
        is_right = is_pair & (mined == number)
        is_mined = (mined != NOTHING) & (scores > self._limit(scores, is_right, is_pair))
        columns = (is_pair & (target == number), is_pair, is_right & is_mined, is_mined, is_pair)
        return np.stack(columns, axis=1).astype(np.int64)

    def _limit(
        self,
        scores: NDArray[np.float64],
        is_right: NDArray[np.bool_],
        is_pair: NDArray[np.bool_],
    ) -> float:
        if self.threshold is not None:
            return self.threshold
        is_mined = np.isfinite(scores)
        return best_threshold(scores[is_mined], is_right[is_mined], int(is_pair.sum()))


def _vectors(
    encoded: Sequence[Encoded], logits: Sequence[NDArray[np.float32]], *, is_target: bool
) -> tuple[IntArray, FloatArray]:
    """Give the examples of one side's sentences, and their unit vectors."""
    pairs = zip(cast(Sequence[Side], encoded), logits, strict=True)
    own = [(part.example, vector) for part, vector in pairs if part.is_target == is_target]
    numbers, vectors = zip(*own, strict=True)
    return np.array(numbers, dtype=np.int64), unit_vectors(np.stack(vectors))


def _check_both_sides(sides: set[int], num_examples: int) -> None:
    if sides == {0, 1}:
        return
    raise DataFormatError(
        "Could not retrieve translations: one side has no sentence.",
        got=f"{num_examples} examples without a {'target' if sides == {0} else 'source'}",
        expected="at least one source and one target",
        fix="name the file with the other side's sentences, or check the columns",
    )


def _check_number(gold: Sequence[Parallel], predicted: Sequence[Retrieved]) -> None:
    if len(gold) == len(predicted):
        return
    raise DataFormatError(
        "Could not compare what was found with the translations: they differ in number.",
        got=f"{len(predicted)} predictions",
        expected=f"{len(gold)}, one an example",
        fix="decode the outputs of the same encoded examples",
    )
