"""The published code's scores: seqeval over the tags of all tokens of the words."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from sklearn.metrics import f1_score as f1_of_single_tags

from tests.tiny import tiny_tokenizer
from tinyglot.data.conll import TaggedSentence
from tinyglot.errors import DataFormatError
from tinyglot.evaluation.bootstrap import bootstrap_interval
from tinyglot.evaluation.choices import choose_metric
from tinyglot.evaluation.score import Evaluated, score_rows
from tinyglot.tasks import IGNORED_LABEL, find_metric, get_task
from tinyglot.tasks.token_tags import TokenTags, by_token
from tinyglot.tasks.words import word_pieces

OPTIONS = {"published_metric": True}
NER, POS = get_task("ner", OPTIONS), get_task("pos", OPTIONS)
NER_TAGS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
POS_TAGS = POS.labels()
TOKENIZER = tiny_tokenizer("unigram")
WORDS = ("Mwalimu", "Asha", "anaishi", "Dodoma", "leo")


def examples(tags):
    words = st.tuples(st.sampled_from(WORDS), st.sampled_from(tags))
    return st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=4).map(
        lambda rows: [TaggedSentence(*map(tuple, zip(*row, strict=True))) for row in rows]
    )


def logits(encoded, num_labels, seed):
    """Outputs that are often right, so that scores are neither 0 nor 1."""
    random = np.random.default_rng(seed)
    found = []
    for part in encoded:
        rows = random.random((len(part.input_ids), num_labels), dtype=np.float32)
        label = 0
        for row, at in zip(rows, part.labels, strict=True):
            label = at if at != IGNORED_LABEL else label
            row[label] += 0.6
        found.append(rows)
    return found


def published(gold, outputs, labels):
    """Score as the published code does: no words any more, only sub-tokens with labels."""
    correct, predicted = [], []
    for sentence, rows in zip(gold, outputs, strict=True):
        pieces = word_pieces(TOKENIZER, sentence.words)
        repeated = [
            tag
            for word, tag in zip(sentence.words, sentence.tags, strict=True)
            for _ in pieces[word]
        ]
        correct.append(repeated)
        predicted.append([labels[i] for i in rows[1 : 1 + len(repeated)].argmax(axis=-1)])
    return correct, predicted


def scores(task, counts):
    return {m.name: float(m.scores(counts.sum(axis=0))) for m in task.scored_metrics}


@pytest.mark.parametrize(("task", "labels"), [(NER, NER_TAGS), (POS, POS_TAGS)])
@settings(deadline=None, max_examples=30)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_it_is_seqevals_over_sub_tokens(task, labels, data, seed):
    gold = data.draw(examples(labels))
    encoded = task.encode(gold, TOKENIZER, labels, 128)
    outputs = logits(encoded, len(labels), seed)
    counts = task.count(gold, task.decode(encoded, outputs, labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tags without B- and I-
        expected = [
            f1_score([correct], [predicted])
            for correct, predicted in zip(*published(gold, outputs, labels), strict=True)
        ]
    metric = find_metric(task.id, "f1_published")
    assert metric.scores(counts).tolist() == expected


def test_several_sentences_are_scored_together_as_seqeval_scores_them():
    gold = [
        TaggedSentence(("Mwalimu", "Asha", "anaishi"), ("O", "B-PER", "O")),
        TaggedSentence(("Dodoma", "leo"), ("B-LOC", "O")),
    ] * 4
    encoded = NER.encode(gold, TOKENIZER, NER_TAGS, 128)
    outputs = logits(encoded, len(NER_TAGS), 3)
    counts = NER.count(gold, NER.decode(encoded, outputs, NER_TAGS))
    found = scores(NER, counts)
    assert found["f1_published"] == f1_score(*published(gold, outputs, NER_TAGS))
    assert 0 < found["f1_published"] < 1
    assert found["f1"] != found["f1_published"]


def test_repeated_beginnings_are_entities_of_their_own():
    gold = TaggedSentence(("Asha",), ("B-PER",))
    halves = TokenTags([("B-PER", "I-PER")])
    # correct: B-PER B-PER, two entities; predicted: one of two tokens
    assert NER.count([gold], [halves]).tolist() == [[1, 1, 1, 0, 1, 2]]


def test_sub_tokens_of_one_tag_are_one_chunk():
    gold = TaggedSentence(("Asha", "anaishi"), ("NOUN", "VERB"))
    predicted = TokenTags([("NOUN", "NOUN"), ("VERB", "NOUN")])
    assert POS.count([gold], [predicted]).tolist() == [[2, 2, 2, 2, 2, 1, 3, 2]]


@settings(max_examples=30)
@given(st.lists(st.sampled_from(("B-LOC", "B-PER")), min_size=1, max_size=20), st.randoms())
def test_where_every_token_is_an_entity_it_is_scikit_learns_micro_f1(tags, random):
    gold = TaggedSentence(tuple("w" for _ in tags), tuple(tags))
    predicted = TokenTags([(random.choice(("B-LOC", "B-PER")),) for _ in tags])
    found = scores(NER, NER.count([gold], [predicted]))
    expected = f1_of_single_tags(tags, list(predicted), average="micro")
    assert found["f1_published"] == pytest.approx(expected)


# --- beside the standard metric ----------------------------------------------------------------


@pytest.mark.parametrize(("task", "labels"), [(NER, NER_TAGS), (POS, POS_TAGS)])
def test_predicted_words_and_standard_counts_are_those_without_the_option(task, labels):
    gold = [TaggedSentence(WORDS, tuple(labels[:5])), TaggedSentence(WORDS[:2], labels[1:3])]
    plain = get_task(task.id)
    encoded = task.encode(gold, TOKENIZER, labels, 9)
    outputs = logits(encoded, len(labels), 0)
    words = task.decode(encoded, outputs, labels)
    assert words == plain.decode(encoded, outputs, labels)
    standard = plain.count(gold, words)
    assert task.count(gold, words)[:, : standard.shape[1]].tolist() == standard.tolist()
    assert [len(tokens.tokens) for tokens in words] == [5, 2]


def test_rows_have_both_metrics_with_intervals_the_standard_one_first():
    gold = [TaggedSentence(WORDS, ("O", "B-PER", "O", "B-LOC", "O"))] * 6
    encoded = NER.encode(gold, TOKENIZER, NER_TAGS, 128)
    predicted = NER.decode(encoded, logits(encoded, len(NER_TAGS), 1), NER_TAGS)
    counts = NER.count(gold, predicted)
    names = {"model": "m", "dataset": "d", "split": "test"}
    rows = score_rows({"swh-Latn": Evaluated(gold, predicted, counts)}, NER, names, 0)
    assert rows["metric"].to_list() == ["f1", "f1_published"]
    low, high = bootstrap_interval(counts[:, 3:], NER.metrics[0].scores, 0)
    assert rows.row(1, named=True)["low"] == pytest.approx(low, abs=0.02)
    assert rows.row(1, named=True)["high"] == pytest.approx(high, abs=0.02)
    assert low < rows.row(1, named=True)["value"] < high


@pytest.mark.parametrize("id", ["ner", "pos"])
def test_without_the_option_nothing_of_it_is_there(id):
    task = get_task(id)
    assert task.scored_metrics == task.metrics
    assert "f1_published" not in [metric.name for metric in task.scored_metrics]
    assert choose_metric(get_task(id, OPTIONS), "f1_published").unit == "fraction"
    assert choose_metric(get_task(id, OPTIONS), None) == task.metrics[0]


@pytest.mark.parametrize("task", [NER, POS])
def test_predictions_of_words_only_have_no_published_score(task):
    tag = task.labels([])[0] if task is POS else "O"
    with pytest.raises(DataFormatError, match=r"words only[\s\S]*got: +tuple of 1 words"):
        task.count([TaggedSentence(("leo",), (tag,))], [(tag,)])


def test_tags_of_tokens_are_not_of_other_sentences():
    with pytest.raises(ValueError, match="shorter"):
        by_token(("O", "O"), TokenTags([("O",)]))


# --- training ----------------------------------------------------------------------------------


@pytest.mark.parametrize("max_length", [128, 8])
def test_training_labels_stand_on_all_tokens_of_a_word_if_asked(max_length):
    gold = [TaggedSentence(WORDS, ("O", "B-PER", "O", "B-LOC", "O"))]
    everywhere = get_task("ner", {"label_all_subtokens": True})
    arguments = (gold, TOKENIZER, NER_TAGS, max_length)
    first, all_ = NER.training_sequences(*arguments), everywhere.training_sequences(*arguments)
    assert everywhere.encode(*arguments) == first  # what is scored does not change
    for ours, theirs in zip(all_, first, strict=True):
        assert ours.input_ids == theirs.input_ids
        label = IGNORED_LABEL
        for at, (found, standard) in enumerate(zip(ours.labels, theirs.labels, strict=True)):
            label = standard if standard != IGNORED_LABEL else label
            assert found == (label if 0 < at < len(ours.labels) - 1 else IGNORED_LABEL)
