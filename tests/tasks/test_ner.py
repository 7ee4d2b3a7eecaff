import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from seqeval.metrics import f1_score

from tests.parity import assert_parity
from tests.real_data import real_data
from tinyglot.data.conll import TaggedSentence, read_conll
from tinyglot.data.reading import read_examples
from tinyglot.errors import UnknownLabelError
from tinyglot.tasks import get_task

NER = get_task("ner")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-GEO-POL", "I-GEO-POL")


def sentence(*tags):
    return TaggedSentence(("w",) * len(tags), tags)


tag_pairs = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1)


@given(st.lists(tag_pairs, min_size=1, max_size=6))
def test_f1_of_summed_counts_is_that_of_seqeval(sentences):
    gold = [[tag for tag, _ in pairs] for pairs in sentences]
    predicted = [[tag for _, tag in pairs] for pairs in sentences]
    counts = NER.count([sentence(*tags) for tags in gold], predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns where there is no entity
        assert NER.score(counts.sum(axis=0)) == f1_score(gold, predicted)


def test_counts_right_predicted_and_correct_entities_of_each_sentence():
    gold = [sentence("B-PER", "I-PER", "O", "B-LOC"), sentence("O", "O"), sentence("B-PER")]
    predicted = [("B-PER", "I-PER", "B-LOC", "O"), ("I-LOC", "O"), ("B-LOC",)]
    assert NER.count(gold, predicted).tolist() == [[1, 2, 2], [0, 1, 0], [0, 1, 1]]


def test_an_entity_with_another_border_is_wrong():
    assert NER.count([sentence("B-PER", "I-PER")], [("B-PER", "O")]).tolist() == [[0, 1, 1]]


def test_counts_of_no_sentences_have_three_columns():
    assert NER.count([], []).shape == (0, 3)


def test_f1_is_the_harmonic_mean():
    assert NER.score(np.array([1, 2, 4])) == pytest.approx(1 / 3)


def test_f1_is_zero_where_nothing_is_right():
    totals = np.array([[0, 0, 0], [0, 3, 0], [0, 0, 3], [0, 2, 2]])
    assert_parity(NER.metrics[0].scores(totals), np.zeros(4))


def test_many_totals_are_scored_at_once():
    totals = np.array([[[4, 4, 4], [1, 2, 4]], [[0, 1, 1], [2, 2, 2]]])
    assert_parity(NER.metrics[0].scores(totals), np.array([[1.0, 2 / 6], [0.0, 1.0]]), atol=1e-12)


def test_labels_are_sorted_with_o_first():
    train = [sentence("B-PER", "I-PER", "O"), sentence("B-LOC", "I-LOC")]
    assert NER.labels(train) == ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")


def test_labels_hold_both_tags_of_a_type():
    assert NER.labels([sentence("B-DATE")]) == ("O", "B-DATE", "I-DATE")


def test_labels_of_several_lists_are_joined():
    assert NER.labels([sentence("B-PER")], [sentence("B-LOC")]) == NER.labels(
        [sentence("B-LOC"), sentence("B-PER")]
    )


def test_refuses_tags_that_are_not_iob2():
    with pytest.raises(UnknownLabelError, match=r"2 label[\s\S]*'PER', 'S-LOC'"):
        NER.labels([sentence("B-PER", "S-LOC", "PER")])


def test_reads_the_sentences_of_a_language_and_split(tmp_path):
    (tmp_path / "swa").mkdir()
    (tmp_path / "swa/dev.conll").write_text("Juma\tI-PER\n")
    assert NER.read(str(tmp_path), "swh-Latn", "dev") == [TaggedSentence(("Juma",), ("B-PER",))]


def test_labels_of_real_data():
    data = real_data("ner/masakhaner2")
    assert NER.labels(read_examples("ner", data, "swh-Latn", "train")) == (
        "O", "B-DATE", "B-LOC", "B-ORG", "B-PER", "I-DATE", "I-LOC", "I-ORG", "I-PER",
    )  # fmt: skip


def test_shifted_real_tags_score_as_seqeval_scores_them():
    gold = read_conll(real_data("ner/panx/ja/dev.conll"))[:500]
    shifted = [("O", *sentence.tags[:-1]) for sentence in gold]
    predicted = [tags if i % 2 else gold[i].tags for i, tags in enumerate(shifted)]
    score = NER.score(NER.count(gold, predicted).sum(axis=0))
    assert 0 < score < 1
    assert score == f1_score([list(s.tags) for s in gold], [list(tags) for tags in predicted])
