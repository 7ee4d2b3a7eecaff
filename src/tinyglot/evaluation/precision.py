"""Whether a faster arithmetic changes what a model predicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast

from tinyglot.evaluation.predict import Predictor
from tinyglot.evaluation.score import evaluate_examples
from tinyglot.languages import LanguageTag
from tinyglot.tasks.task import Task

EXAMPLES_PER_LANGUAGE = 64


def changed_predictions(
    predictors: tuple[Predictor, Predictor],
    tokenizer: PreTrainedTokenizerFast,
    labels: Sequence[str],
    task: Task[Any, Any],
    examples: Mapping[LanguageTag, Sequence[Any]],
    max_length: int | None = None,
) -> dict[LanguageTag, tuple[int, int]]:
    """Count the examples about which two ways to run a model disagree.

    Args:
        predictors: The model, run in one way and in the other.
        tokenizer: The model's tokenizer.
        labels: The model's labels in the order of their ids.
        task: The task.
        examples: By language; at most 64 of each are tried, evenly spaced.
        max_length: Most tokens of a sequence; the tokenizer's limit, at most 512, if ``None``.

    Returns:
        By language, how many predictions decide otherwise, and how many were tried.
    """
    tried = {tag: _evenly_spaced(own, EXAMPLES_PER_LANGUAGE) for tag, own in examples.items()}
    first, second = (
        evaluate_examples(predictor, tokenizer, labels, task, tried, max_length)
        for predictor in predictors
    )
    return {
        tag: (
            sum(
                task.decision(a) != task.decision(b)
                for a, b in zip(first[tag].predictions, second[tag].predictions, strict=True)
            ),
            len(own),
        )
        for tag, own in tried.items()
    }


def describe_changes(changes: Mapping[LanguageTag, tuple[int, int]]) -> str:
    """Say how many predictions change, and in which languages.

    Args:
        changes: As ``changed_predictions`` gives them.

    Returns:
        One line.

    Example:
        >>> describe_changes({"swh-Latn": (1, 64), "yor-Latn": (0, 64)})
        'bf16 changes 1 of 128 predictions tried (swh-Latn 1 of 64)'
    """
    changed, tried = (sum(pair[place] for pair in changes.values()) for place in (0, 1))
    where = ", ".join(f"{tag} {n} of {all_}" for tag, (n, all_) in changes.items() if n)
    return f"bf16 changes {changed} of {tried} predictions tried" + (f" ({where})" if where else "")


def _evenly_spaced(examples: Sequence[Any], wanted: int) -> list[Any]:
    count = min(wanted, len(examples))
    return [examples[place * len(examples) // count] for place in range(count)]
