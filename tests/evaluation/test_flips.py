import numpy as np
import pytest
import scipy.stats

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import Answer, Question
from tinyglot.errors import ComparisonError, UnpairedExamplesError
from tinyglot.evaluation.flips import (
    dividing_columns,
    flip_counts,
    flipped_examples,
    right_examples,
    used_columns,
)
from tinyglot.evaluation.score import Evaluated
from tinyglot.tasks import get_task
from tinyglot.tasks.task import Metric

NER = get_task("ner")
LOSS = Metric("loss", lambda totals: totals[..., 0], "nats", higher_is_better=False)

SENTENCES = [
    TaggedSentence(("Anna", "sleeps"), ("B-PER", "O")),
    TaggedSentence(("it", "rains"), ("O", "O")),
    TaggedSentence(("Nairobi",), ("B-LOC",)),
]


def said(*predictions, examples=SENTENCES):
    tags = [tuple(line.split()) for line in predictions]
    return {"swh-Latn": Evaluated(examples, tags, NER.count(examples, tags))}


DENSE = said("B-PER O", "O O", "O")
SMALL = said("O O", "O O", "B-LOC")


def test_nothing_to_find_and_nothing_claimed_is_right():
    counts = DENSE["swh-Latn"].counts
    assert right_examples(counts, NER.metrics[0]).tolist() == [True, True, False]


def test_lists_what_only_one_model_gets_right():
    assert flipped_examples(DENSE, SMALL, NER).rows() == [
        ("swh-Latn", 0, "lost", "Anna sleeps", "B-PER O", "B-PER O", "O O"),
        ("swh-Latn", 2, "gained", "Nairobi", "B-LOC", "O", "B-LOC"),
    ]


def test_a_model_and_itself_flip_nothing():
    assert flipped_examples(DENSE, DENSE, NER).is_empty()
    counts = DENSE["swh-Latn"].counts
    assert flip_counts(counts, counts, NER.metrics[0]) == (0, 0, 1.0)


def test_mcnemar_by_hand():
    """One gained, five lost: 2 x (C(6,0) + C(6,1)) / 2^6 = 14/64."""
    dense = np.array([[1, 1, 1]] * 5 + [[0, 1, 1]] + [[1, 1, 1]] * 4)
    small = np.array([[0, 1, 1]] * 5 + [[1, 1, 1]] + [[1, 1, 1]] * 4)
    found = flip_counts(dense, small, NER.metrics[0])
    assert (found.lost, found.gained) == (5, 1)
    assert found.p_value == pytest.approx(14 / 64)
    assert found.p_value == pytest.approx(2 * scipy.stats.binom.cdf(1, 6, 0.5))


def test_the_text_of_answers_is_shown():
    question = Question(
        "1", "t", "In Accra.", "Where?", (Answer("Accra", 3), Answer("In Accra", 0))
    )
    task = get_task("qa")
    dense, small = (
        {"eng-Latn": Evaluated([question], [text], task.count([question], [text]))}
        for text in ("Accra", "In")
    )
    [row] = flipped_examples(dense, small, task).to_dicts()
    assert (row["gold"], row["dense"], row["small"]) == ("Accra | In Accra", "Accra", "In")


def test_counts_of_other_metrics_make_nothing_wrong():
    """BUCC: a sentence without translation has counts for mined pairs only."""
    accuracy, mined = get_task("retrieval").metrics
    counts = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 1, 0], [0, 1, 0, 0, 0]])
    assert right_examples(counts, accuracy).tolist() == [True, True, False]
    assert right_examples(counts, mined).tolist() == [False, False, True]
    assert used_columns(accuracy, 5).tolist() == [True, True, False, False, False]
    assert used_columns(mined, 5).tolist() == [False, False, True, True, True]


def test_counts_that_a_loss_is_divided_by():
    loss, perplexity = get_task("mlm").metrics
    assert dividing_columns(loss, 3).tolist() == [False, True, False]
    assert dividing_columns(perplexity, 3).tolist() == [False, False, True]


def test_a_loss_is_neither_right_nor_wrong():
    with pytest.raises(ComparisonError, match=r"loss in nats[\s\S]*compare without flips"):
        right_examples(np.array([[1.0, 2.0]]), LOSS)


def test_refuses_other_examples():
    changed = [*SENTENCES[:2], TaggedSentence(("Lamu",), ("B-LOC",))]
    with pytest.raises(UnpairedExamplesError, match=r"3 and 3 examples, the first difference at 2"):
        flipped_examples(DENSE, said("B-PER O", "O O", "O", examples=changed), NER)


def test_refuses_other_languages():
    with pytest.raises(UnpairedExamplesError, match=r"hau-Latn of one model only"):
        flipped_examples(DENSE, {**DENSE, "hau-Latn": DENSE["swh-Latn"]}, NER)
