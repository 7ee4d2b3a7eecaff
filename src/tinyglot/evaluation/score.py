"""Evaluation of one model on one task, language by language, as long-form rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from tinyglot.evaluation.bootstrap import bootstrap_interval
from tinyglot.evaluation.predict import Predictor, predict
from tinyglot.languages import resolve_language
from tinyglot.tasks.task import Encoded, Task
from tinyglot.tasks.words import sequence_limit

UNPERTURBED = "none"
SCHEMA = {
    "model": pl.String,
    "task": pl.String,
    "dataset": pl.String,
    "language": pl.String,
    "split": pl.String,
    "perturbation": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "n": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class _LanguageData:
    """Examples of one language, ready for the model."""

    examples: list[Any]
    encoded: list[Encoded]


def evaluate(  # noqa: PLR0913  (each is one column or one input of the evaluation)
    predictor: Predictor,
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str],
    task: Task[Any, Any],
    data: str | Path,
    languages: Sequence[str],
    split: str,
    *,
    model_name: str,
    seed: int,
    max_length: int | None = None,
) -> pl.DataFrame:
    """Score a model on every language, with a 95 % bootstrap interval over examples.

    All languages are read and encoded before the model runs, so that a missing file or an unknown
    label shows at once.

    Args:
        predictor: The model, such as ``torch_predictor`` gives it.
        tokenizer: The model's tokenizer.
        labels: The model's labels in the order of their ids.
        task: The task.
        data: A data directory or a hub id.
        languages: Any codes that ``resolve_language`` accepts; each language counts once.
        split: ``train``, ``dev`` or ``test``.
        model_name: What the rows call the model.
        seed: Seed of the run, and of the resampling.
        max_length: Most tokens of a sequence; the tokenizer's limit, at most 512, if ``None``.

    Returns:
        One row a language: model, task, dataset, language, split, perturbation, seed, metric,
        value (in [0, 1]), n (examples), low and high.

    Raises:
        UnknownLanguageError: If a code is no language.
        DataNotFoundError: If the data, a language or the split is not there.
        DataFormatError: If a file is broken.
        UnknownLabelError: If the data has a label that the model does not know.
        NonFiniteOutputError: If the model's output is not finite.
    """
    tags = list(dict.fromkeys(map(resolve_language, languages)))
    limit = sequence_limit(tokenizer) if max_length is None else max_length
    read = {tag: task.read(str(data), tag, split) for tag in tags}
    ready = {
        tag: _LanguageData(examples, task.encode(examples, tokenizer, labels, limit))
        for tag, examples in read.items()
    }
    pad = _pad_token_id(tokenizer)
    counts = {tag: _counts(predictor, pad, labels, task, ready[tag]) for tag in tags}
    names = {
        "model": model_name,
        "task": task.id,
        "dataset": _dataset_name(data),
        "split": split,
        "perturbation": UNPERTURBED,
        "seed": seed,
        "metric": task.metric_name,
    }
    rows = [{**names, "language": tag, **_scored(counts[tag], task, seed)} for tag in tags]
    return pl.DataFrame(rows, schema=SCHEMA)


def _counts(
    predictor: Predictor,
    pad_token_id: int,
    labels: Sequence[str],
    task: Task[Any, Any],
    data: _LanguageData,
) -> NDArray[np.int64]:
    logits = predict(predictor, data.encoded, pad_token_id)
    return task.count(data.examples, task.decode(data.encoded, logits, labels))


def _scored(counts: NDArray[np.int64], task: Task[Any, Any], seed: int) -> dict[str, float | int]:
    low, high = bootstrap_interval(counts, task.scores, seed)
    return {"value": task.score(counts.sum(axis=0)), "n": len(counts), "low": low, "high": high}


def _pad_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """Give the padding id; any id does where there is none, since padding is masked."""
    return int(tokenizer.pad_token_id) if tokenizer.pad_token_id is not None else 0


def _dataset_name(data: str | Path) -> str:
    path = Path(data)
    return path.resolve().name if path.exists() else str(data)
