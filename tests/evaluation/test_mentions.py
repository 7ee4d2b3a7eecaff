from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from tests.data.tagged_sentences import tagged_sentences
from tests.data.test_mentions import sentence
from tinyglot.data.mentions import entity_overlap, surfaces_by_type
from tinyglot.evaluation.mentions import count_tags, recall_counts, recall_rows
from tinyglot.evaluation.score import SCHEMA, Evaluated
from tinyglot.tasks import get_task

CORPORA = st.lists(tagged_sentences(), min_size=1, max_size=6)
NAMES = {"model": "m", "task": "ner", "dataset": "d", "split": "test", "perturbation": "none"}
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@st.composite
def predictions(draw):
    """Sentences, and any tags for each of their words."""
    sentences = draw(CORPORA)
    tags = [
        tuple(draw(st.lists(st.sampled_from(TAGS), min_size=len(s.words), max_size=len(s.words))))
        for s in sentences
    ]
    return sentences, tags


def rows_of(sentences, tags, trained, seed=0):
    known = surfaces_by_type(trained)
    return recall_rows({"swh-Latn": Evaluated(sentences, tags, None)}, known, NAMES, seed)


@given(predictions(), CORPORA)
def test_seen_and_unseen_add_up_to_all(pair, trained):
    sentences, tags = pair
    counts = recall_counts(sentences, tags, surfaces_by_type(trained))
    whole = get_task("ner").count(sentences, tags)
    assert np.array_equal(counts[:, 0] + counts[:, 2], whole[:, 0])
    assert np.array_equal(counts[:, 1] + counts[:, 3], whole[:, 2])
    overlap = entity_overlap(sentences, trained)
    assert counts[:, 1].sum() == overlap.num_seen


@given(predictions())
def test_all_mentions_of_the_training_data_are_seen(pair):
    sentences, tags = pair
    counts = recall_counts(sentences, tags, surfaces_by_type(sentences))
    assert counts[:, 2:].sum() == 0
    assert recall_counts(sentences, tags, {})[:, :2].sum() == 0


@given(predictions())
def test_tags_are_counted_as_by_scikit_learn(pair):
    sentences, tags = pair
    correct = [tag for one in sentences for tag in one.tags]
    given_tags = [tag for one in tags for tag in one]
    found = count_tags(sentences, tags)
    table = [[found.get(one, {}).get(other, 0) for other in TAGS] for one in TAGS]
    assert table == confusion_matrix(correct, given_tags, labels=TAGS).tolist()
    assert all(number for row in found.values() for number in row.values())


def test_recall_by_hand():
    trained = [sentence("Asha/B-PER Juma/I-PER Dodoma/B-LOC")]
    given_sentences = [
        sentence("Asha/B-PER Juma/I-PER na/O Dodoma/B-PER"),
        sentence("Dodoma/B-LOC Asha/B-PER"),
        sentence("ni/O"),
    ]
    tags = [("B-PER", "I-PER", "O", "O"), ("B-LOC", "B-PER"), ("B-PER",)]
    counts = recall_counts(given_sentences, tags, surfaces_by_type(trained))
    assert counts.tolist() == [[1, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    rows = rows_of(given_sentences, tags, trained).to_dicts()
    assert [(row["metric"], row["value"], row["n"]) for row in rows] == [
        ("recall_seen", 1.0, 2),
        ("recall_unseen", 0.5, 2),
    ]
    assert list(rows[0]) == list(SCHEMA)
    assert rows[1]["low"] <= 0.5 <= rows[1]["high"]


def test_without_mentions_of_a_kind_there_is_no_row():
    given_sentences = [sentence("Asha/B-PER"), sentence("Juma/B-PER")]
    tags = [("B-PER",), ("O",)]
    seen = rows_of(given_sentences, tags, given_sentences)
    assert seen["metric"].to_list() == ["recall_seen"]
    assert rows_of(given_sentences, tags, [])["metric"].to_list() == ["recall_unseen"]
    assert rows_of([sentence("ni/O")], [("O",)], []).is_empty()


def test_tags_of_other_sentences_are_refused():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        count_tags([sentence("Asha/B-PER")], [("O", "O")])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        recall_counts([sentence("Asha/B-PER")], [], {})


def test_intervals_are_those_of_resampled_sentences():
    given_sentences = [sentence("A/B-PER"), sentence("B/B-PER")] * 50
    tags = [("B-PER",), ("O",)] * 50
    (row,) = rows_of(given_sentences, tags, []).to_dicts()
    assert (row["value"], row["n"]) == (0.5, 100)
    generator = np.random.default_rng(1)
    draws = Counter(generator.binomial(100, 0.5, 20_000))
    inside = sum(n for right, n in draws.items() if row["low"] <= right / 100 <= row["high"])
    assert 0.94 < inside / 20_000 < 0.98
