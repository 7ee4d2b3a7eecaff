import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import get_entities

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.conllu import UPOS
from tinyglot.errors import DataFormatError, UnknownLabelError
from tinyglot.tasks import get_task
from tinyglot.tasks.pos import tag_chunks

POS = get_task("pos")
TAGS = st.lists(st.sampled_from(UPOS), min_size=1, max_size=12)


def sentence(tags):
    return TaggedSentence(tuple("w" for _ in tags), tuple(tags))


@given(TAGS)
def test_chunks_are_seqevals(tags):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = get_entities(tags)
    assert list(tag_chunks(tags)) == expected


@given(st.lists(st.tuples(TAGS, st.randoms()), min_size=1, max_size=5))
def test_accuracy_is_seqevals(rows):
    gold = [tags for tags, _ in rows]
    predicted = [[random.choice([tag, "NOUN"]) for tag in tags] for tags, random in rows]
    totals = POS.count([sentence(tags) for tags in gold], predicted).sum(axis=0)
    assert float(POS.metrics[0].scores(totals)) == pytest.approx(accuracy_score(gold, predicted))


def test_scores_worked_by_hand():
    gold = sentence(["DET", "NOUN", "NOUN", "VERB"])
    counts = POS.count([gold], [("DET", "NOUN", "ADJ", "VERB")])
    # chunks: gold DET, NOUN NOUN, VERB; predicted DET, NOUN, ADJ, VERB; two are right
    assert counts.tolist() == [[3, 4, 2, 4, 3]]
    assert {m.name: float(m.scores(counts[0])) for m in POS.metrics} == pytest.approx(
        {"accuracy": 0.75, "chunk_f1": 2 * 2 / (4 + 3)}
    )


def test_labels_are_all_universal_tags_whatever_occurs():
    assert POS.labels([sentence(["NOUN"])]) == UPOS
    assert len(UPOS) == 17


def test_refuses_tags_that_are_not_universal():
    with pytest.raises(UnknownLabelError, match=r"'NN', 'VBZ'[\s\S]*ADJ, ADP"):
        POS.labels([sentence(["NN", "VBZ", "NOUN"])])


def test_refuses_a_model_with_other_labels():
    with pytest.raises(UnknownLabelError, match=r"'LABEL_0'[\s\S]*ADJ, ADP"):
        POS.check_labels(["LABEL_0", "NOUN"])


def test_refuses_tags_of_another_sentence():
    with pytest.raises(DataFormatError, match=r"at sentence 0[\s\S]*1 sentences"):
        POS.count([sentence(["NOUN", "VERB"])], [("NOUN",)])
