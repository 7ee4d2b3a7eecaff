"""Which mentions a tagger finds: those that training had, and those that it had not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.iob import spans
from tinyglot.data.mentions import Surface, mentions_of
from tinyglot.evaluation.bootstrap import bootstrap_interval
from tinyglot.evaluation.score import SCHEMA, Evaluated
from tinyglot.languages import LanguageTag
from tinyglot.tasks.scores import accuracy
from tinyglot.tasks.task import Counts

RECALL_SEEN = "recall_seen"
RECALL_UNSEEN = "recall_unseen"

Confusion = dict[str, dict[str, int]]


def recall_rows(
    evaluated: Mapping[LanguageTag, Evaluated],
    trained: Mapping[str, set[Surface]],
    names: Mapping[str, str],
    seed: int,
) -> pl.DataFrame:
    """Score a tagger on the mentions that occur in its training data, and on the others.

    A mention is seen if a mention with the same words and type is in the training data, and found
    if a predicted one has its type, first and last word.

    Args:
        evaluated: Tagged sentences and predicted tags, by language.
        trained: What the training data mentions, by type, as ``surfaces_by_type`` gives it.
        names: ``model``, ``task``, ``dataset``, ``split`` and ``perturbation``.
        seed: Seed of the run, and of the resampling.

    Returns:
        One row a language and metric, ``recall_seen`` and ``recall_unseen``: the share of the
        mentions that is found, its 95 % bootstrap interval over sentences, and ``n``, here the
        number of mentions. Without any mention of a kind there is no row.
    """
    rows = []
    for tag, found in evaluated.items():
        counts = recall_counts(found.examples, found.predictions, trained)
        for metric, part in ((RECALL_SEEN, counts[:, :2]), (RECALL_UNSEEN, counts[:, 2:])):
            if part[:, 1].any():
                same = {**names, "seed": seed, "language": tag, "metric": metric}
                rows.append({**same, **_recall(part, seed)})
    return pl.DataFrame(rows, schema=SCHEMA)


def recall_counts(
    sentences: Sequence[TaggedSentence],
    predicted: Sequence[Sequence[str]],
    trained: Mapping[str, set[Surface]],
) -> Counts:
    """Count the mentions that are found, sentence by sentence.

    Args:
        sentences: With the correct tags.
        predicted: One tag a word, sentence by sentence.
        trained: What the training data mentions, by type.

    Returns:
        One row a sentence: seen mentions that are found, all seen ones, unseen ones that are
        found, all unseen ones.
    """
    rows = np.zeros((len(sentences), 4), dtype=np.int64)
    for row, sentence, tags in zip(rows, sentences, predicted, strict=True):
        there = set(spans(tags))
        for mention in mentions_of(sentence):
            column = 0 if mention.words in trained.get(mention.type, ()) else 2
            row[column] += (mention.type, mention.start, mention.end) in there
            row[column + 1] += 1
    return rows


def count_tags(
    sentences: Iterable[TaggedSentence], predicted: Iterable[Sequence[str]]
) -> Confusion:
    """Count how often each tag is predicted where each tag is right.

    Args:
        sentences: With the correct tags.
        predicted: One tag a word, sentence by sentence.

    Returns:
        Numbers of words by correct and by predicted tag; pairs that do not occur are left out.

    Example:
        >>> count_tags([TaggedSentence(("Asha", "yupo"), ("B-PER", "O"))], [("O", "O")])
        {'B-PER': {'O': 1}, 'O': {'O': 1}}
    """
    pairs = Counter(
        pair
        for sentence, tags in zip(sentences, predicted, strict=True)
        for pair in zip(sentence.tags, tags, strict=True)
    )
    counts: Confusion = {}
    for (correct, given), number in sorted(pairs.items()):
        counts.setdefault(correct, {})[given] = number
    return counts


def _recall(counts: Counts, seed: int) -> dict[str, float | int]:
    low, high = bootstrap_interval(counts, accuracy, seed)
    totals = counts.sum(axis=0)
    return {"value": float(accuracy(totals)), "n": int(totals[1]), "low": low, "high": high}
