"""Two sentence embedders, language by language: how alike their vectors are, what each finds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from tinyglot.data.examples import Parallel
from tinyglot.errors import NonFiniteOutputError, UnpairedExamplesError
from tinyglot.evaluation.bootstrap import CONFIDENCE, NUM_RESAMPLES
from tinyglot.evaluation.differences import paired_difference, permutation_p_value
from tinyglot.evaluation.predict import Predictor, predict
from tinyglot.languages import LanguageTag
from tinyglot.tasks.retrieval import SentenceRetrieval
from tinyglot.tasks.task import Encoded
from tinyglot.tasks.words import sequence_limit

SCHEMA = {
    "language": pl.String,
    "n": pl.Int64,
    "num_sentences": pl.Int64,
    "cosine_mean": pl.Float64,
    "cosine_min": pl.Float64,
    "dense": pl.Float64,
    "small": pl.Float64,
    "delta": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
}


class Embedder(NamedTuple):
    """A model whose outputs become one vector a sentence.

    Attributes:
        predictor: The model, giving the outputs of the task's layer.
        tokenizer: Its tokenizer.
    """

    predictor: Predictor
    tokenizer: PreTrainedTokenizerFast


def cosine_agreement(
    dense: NDArray[np.floating], small: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Say how alike two models' vectors of the same sentences are.

    Args:
        dense: Vectors of one model, one row a sentence.
        small: Vectors of the other for the same sentences in the same order.

    Returns:
        One cosine a sentence; 0 where a vector is 0.

    Raises:
        UnpairedExamplesError: If the shapes differ.
        NonFiniteOutputError: If a value is infinite or no number.
    """
    if dense.shape != small.shape:
        raise UnpairedExamplesError(
            "Could not compare embeddings: they are not of the same sentences and width.",
            got=f"shapes {dense.shape} and {small.shape}",
            expected="as many vectors, of as many numbers each",
            fix="embed the same sentences; compare models of other width by retrieval alone",
        )
    first, second = (_finite(np.asarray(vectors, np.float64)) for vectors in (dense, small))
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    products = (first * second).sum(axis=-1)
    cosines: NDArray[np.float64] = products / np.where(lengths == 0.0, 1.0, lengths)
    return cosines


def compare_embedders(  # noqa: PLR0913  (two models, the data, and the options of the bootstrap)
    dense: Embedder,
    small: Embedder,
    task: SentenceRetrieval,
    examples: Mapping[LanguageTag, Sequence[Parallel]],
    *,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> pl.DataFrame:
    """Embed sentences and their translations with two models and compare what comes out.

    Args:
        dense: The one model.
        small: The other.
        task: Says layer, pooling, prefix and similarity.
        examples: Sentences with their translations, by language.
        seed: Of resamples and permutations.
        num_resamples: How many of each.
        confidence: Of the intervals.

    Returns:
        One row a language: ``n`` examples, ``num_sentences`` of both sides, mean and least cosine
        between the models' vectors of a sentence (null where the models differ in width),
        retrieval accuracy of both, their difference with its paired bootstrap interval, and the
        p-value of the permutation test.

    Raises:
        DataFormatError: If a language has no source or no target.
        NonFiniteOutputError: If a model's output is infinite or no number.
    """
    rows = []
    for tag, pairs in examples.items():
        before, after = (_embedded(model, task, pairs) for model in (dense, small))
        first, second = (task.count(pairs, task.decode(*side, ())) for side in (before, after))
        scores = task.metrics[0].scores
        difference = paired_difference(first, second, scores, seed, num_resamples, confidence)
        rows.append(
            {
                "language": tag,
                "n": len(pairs),
                **_agreement(np.stack(before[1]), np.stack(after[1])),
                **difference._asdict(),
                "p_value": permutation_p_value(first, second, scores, seed, num_resamples),
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)


def _embedded(
    model: Embedder, task: SentenceRetrieval, examples: Sequence[Parallel]
) -> tuple[list[Encoded], list[NDArray[np.float32]]]:
    tokenizer = model.tokenizer
    encoded = task.encode(examples, tokenizer, (), sequence_limit(tokenizer))
    pad = int(tokenizer.pad_token_id or 0)
    return encoded, predict(model.predictor, encoded, pad, reduce=task.reduce)


def _agreement(dense: NDArray[np.float32], small: NDArray[np.float32]) -> dict[str, Any]:
    if dense.shape[1] != small.shape[1]:
        return {"num_sentences": len(dense), "cosine_mean": None, "cosine_min": None}
    cosines = cosine_agreement(dense, small)
    return {
        "num_sentences": len(dense),
        "cosine_mean": float(cosines.mean()),
        "cosine_min": float(cosines.min()),
    }


def _finite(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    broken = ~np.isfinite(vectors).all(axis=-1)
    if not broken.any():
        return vectors
    raise NonFiniteOutputError(
        "Could not compare embeddings: they have values that are infinite or no number.",
        got=f"{int(broken.sum())} of {len(vectors)} vectors, the first at {int(broken.argmax())}",
        expected="finite numbers",
        fix="run in fp32, and check the weights that training or compression left",
    )
