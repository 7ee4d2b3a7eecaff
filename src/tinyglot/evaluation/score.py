"""Evaluation of one model on one task, language by language, as long-form rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from transformers import PreTrainedTokenizerFast

from tinyglot.data.perturbations import (
    UNPERTURBED,
    perturbation_of,
    perturbed_split,
    read_record,
)
from tinyglot.data.sources import public_name
from tinyglot.evaluation.bootstrap import bootstrap_interval
from tinyglot.evaluation.predict import Predictor, predict
from tinyglot.files import replacing
from tinyglot.languages import LanguageTag, resolve_language
from tinyglot.tasks.task import Counts, Encoded, Metric, Task
from tinyglot.tasks.words import MAX_LENGTH, sequence_limit

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
class Evaluated:
    """What a model said about the examples of one language.

    Attributes:
        examples: In the data's order.
        predictions: One an example.
        counts: One row an example; every score is a function of sums of rows.
        num_texts: Sequences that the model saw.
        num_cut: Those whose text is longer, so that its end was left out.
    """

    examples: Sequence[Any]
    predictions: Sequence[Any]
    counts: Counts
    num_texts: int = 0
    num_cut: int = 0


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
    tell: Callable[[str], None] | None = None,
) -> pl.DataFrame:
    """Score a model on every language, with 95 % bootstrap intervals over examples.

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
        tell: Takes a line for a person if texts are cut.

    Returns:
        One row a language and metric: model, task, dataset, language, split, perturbation, seed,
        metric, value, n (examples), low and high.

    Raises:
        UnknownLanguageError: If a code is no language.
        DataNotFoundError: If the data, a language or the split is not there.
        DataFormatError: If a file is broken.
        UnknownLabelError: If the data has a label that the model does not know.
        NonFiniteOutputError: If the model's output is not finite.
    """
    evaluated = evaluate_split(
        predictor, tokenizer, labels, task, data, languages, split, max_length, tell
    )
    return score_rows(evaluated, task, {"model": model_name, **names_of(data, split)}, seed)


def evaluate_split(  # noqa: PLR0913  (each is one input of the evaluation)
    predictor: Predictor,
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str],
    task: Task[Any, Any],
    data: str | Path,
    languages: Sequence[str],
    split: str,
    max_length: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[LanguageTag, Evaluated]:
    """Read one split of several languages and run a model over it.

    Args:
        predictor: As for ``evaluate``.
        tokenizer: As for ``evaluate``.
        labels: As for ``evaluate``.
        task: As for ``evaluate``.
        data: As for ``evaluate``.
        languages: As for ``evaluate``.
        split: As for ``evaluate``.
        max_length: As for ``evaluate``.
        tell: As for ``evaluate``.

    Returns:
        Predictions and counts by language.

    Raises:
        TinyglotError: As for ``evaluate``.
    """
    examples = read_languages(task, data, languages, split)
    evaluated = evaluate_examples(predictor, tokenizer, labels, task, examples, max_length)
    if tell is not None and any(found.num_cut for found in evaluated.values()):
        tell(describe_cuts(evaluated, _limit(tokenizer, max_length)))
    return evaluated


def names_of(data: str | Path, split: str) -> dict[str, str]:
    """Say what rows call the examples that are scored.

    Args:
        data: A data directory or a hub id.
        split: As for ``read_languages``.

    Returns:
        ``dataset``, ``split`` and ``perturbation``.
    """
    return {
        "dataset": dataset_name(data),
        "split": perturbed_split(data, split)[1],
        "perturbation": perturbation_of(data),
    }


def read_languages(
    task: Task[Any, Any], data: str | Path, languages: Sequence[str], split: str
) -> dict[LanguageTag, Sequence[Any]]:
    """Read what is scored of one split of several languages.

    Args:
        task: The task.
        data: A data directory or a hub id.
        languages: Any codes that ``resolve_language`` accepts; each language counts once.
        split: ``train``, ``dev`` or ``test``, also a slice. Of data that were perturbed of a slice,
            the same slice is all that there is.

    Returns:
        Examples by language, in the order asked for.

    Raises:
        UnknownLanguageError: If a code is no language.
        DataNotFoundError: If the data, a language or the split is not there.
        DataFormatError: If a file is broken.
    """
    tags = dict.fromkeys(map(resolve_language, languages))
    part, _ = perturbed_split(data, split)
    return {tag: task.scored_examples(task.read(str(data), tag, part)) for tag in tags}


def evaluate_examples(
    predictor: Predictor,
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str],
    task: Task[Any, Any],
    examples: Mapping[LanguageTag, Sequence[Any]],
    max_length: int | None = None,
) -> dict[LanguageTag, Evaluated]:
    """Run a model over the examples of several languages and count what it gets right.

    Args:
        predictor: The model, such as ``torch_predictor`` gives it.
        tokenizer: The model's tokenizer.
        labels: The model's labels in the order of their ids.
        task: The task.
        examples: By language; all are encoded before the model runs.
        max_length: Most tokens of a sequence; the tokenizer's limit, at most 512, if ``None``.

    Returns:
        Predictions and counts by language.

    Raises:
        UnknownLabelError: If the data has a label that the model does not know.
        NonFiniteOutputError: If the model's output is not finite.
    """
    limit = _limit(tokenizer, max_length)
    encoded = {t: task.encode(e, tokenizer, labels, limit) for t, e in examples.items()}
    pad = _pad_token_id(tokenizer)
    outputs = {
        t: predict(
            predictor,
            parts,
            pad,
            reduce=task.reduce,
            with_labels=task.objective == "masked_lm",
        )
        for t, parts in encoded.items()
    }
    found = {t: task.decode(encoded[t], outputs[t], labels) for t in examples}
    return {
        t: Evaluated(e, found[t], task.count(e, found[t]), len(encoded[t]), num_cut(encoded[t]))
        for t, e in examples.items()
    }


def num_cut(encoded: Sequence[Encoded]) -> int:
    """Count the texts whose end is left out.

    Args:
        encoded: What ``Task.encode`` gave.

    Returns:
        How many; 0 for tasks that cut no text.
    """
    return sum(bool(getattr(part, "is_cut", False)) for part in encoded)


def describe_cuts(evaluated: Mapping[LanguageTag, Evaluated], limit: int) -> str:
    """Say how many texts a model did not see the end of.

    Args:
        evaluated: By language.
        limit: Most tokens of a sequence.

    Returns:
        One line.

    Example:
        >>> import numpy as np
        >>> describe_cuts({"swh-Latn": Evaluated((), (), np.zeros((0, 1)), 10, 2)}, 128)
        '2 of 10 texts are cut at 128 tokens (swh-Latn 2)'
    """
    cut, seen = (sum(getattr(e, n) for e in evaluated.values()) for n in ("num_cut", "num_texts"))
    where = ", ".join(
        f"{tag} {found.num_cut:,}" for tag, found in evaluated.items() if found.num_cut
    )
    return f"{cut:,} of {seen:,} texts are cut at {limit:,} tokens ({where})"


def score_rows(
    evaluated: Mapping[LanguageTag, Evaluated],
    task: Task[Any, Any],
    names: Mapping[str, str],
    seed: int,
) -> pl.DataFrame:
    """Turn counts into long-form rows with intervals.

    Args:
        evaluated: By language.
        task: Says the metrics.
        names: ``model``, ``dataset`` and ``split``; ``perturbation`` if the data is perturbed.
        seed: Seed of the run, and of the resampling.

    Returns:
        One row a language and metric.
    """
    same = {"task": task.id, "perturbation": UNPERTURBED, "seed": seed, **names}
    rows = [
        {**same, "language": tag, "metric": metric.name, **_scored(found.counts, metric, seed)}
        for tag, found in evaluated.items()
        for metric in task.scored_metrics
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def write_rows(rows: pl.DataFrame, path: Path) -> None:
    """Write long-form rows as parquet, in one step.

    Args:
        rows: As ``evaluate`` gives them.
        path: The file; replaced if it is there.
    """
    with replacing(path) as temporary:
        rows.write_parquet(temporary)


def dataset_name(data: str | Path) -> str:
    """Name a dataset in results without the place where it lies.

    Args:
        data: A data directory, a hub id, or ``id=PATH``.

    Returns:
        The directory's own name, or the id; of perturbed data, that of the data before.
    """
    record = read_record(data)
    if record is not None:
        return record.source
    return public_name(data)


def _scored(counts: Counts, metric: Metric, seed: int) -> dict[str, float | int]:
    low, high = bootstrap_interval(counts, metric.scores, seed)
    value = float(metric.scores(counts.sum(axis=0)))
    return {"value": value, "n": len(counts), "low": low, "high": high}


def _limit(tokenizer: PreTrainedTokenizerFast, max_length: int | None) -> int:
    return sequence_limit(tokenizer, MAX_LENGTH if max_length is None else max_length)


def _pad_token_id(tokenizer: PreTrainedTokenizerFast) -> int:
    """Give the padding id; any id does where there is none, since padding is masked."""
    return int(tokenizer.pad_token_id) if tokenizer.pad_token_id is not None else 0
