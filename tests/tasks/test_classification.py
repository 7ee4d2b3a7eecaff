import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from tests.tiny import KINDS, TINY_TEXT, tiny_pair, tiny_tokenizer
from tinyglot.data.examples import LabelledText
from tinyglot.errors import (
    DataFormatError,
    SequenceLengthError,
    TaskOptionError,
    UnknownLabelError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.fine_tuning import METHOD, FineTuningConfig
from tinyglot.tasks import get_task
from tinyglot.tasks.texts import text_tokens

TOPIC, NLI = get_task("topic"), get_task("nli")
LABELS = ("negative", "neutral", "positive")
LABEL_LISTS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1)


def texts(labels, text="a"):
    return [LabelledText((text,), label) for label in labels]


def scores(gold, predicted):
    totals = TOPIC.count(texts(gold), predicted).sum(axis=0)
    return {metric.name: float(metric.scores(totals)) for metric in TOPIC.metrics}


# --- metrics ------------------------------------------------------------------------------------


@given(LABEL_LISTS)
def test_scores_are_sklearns(pairs):
    gold, predicted = zip(*pairs, strict=True)
    macro = f1_score(gold, predicted, labels=sorted(set(gold)), average="macro", zero_division=0)
    assert scores(gold, predicted) == pytest.approx(
        {
            "accuracy": accuracy_score(gold, predicted),
            "f1_macro": macro,
            "f1_weighted": f1_score(gold, predicted, average="weighted", zero_division=0),
        }
    )


def test_scores_worked_by_hand():
    # a: 1 right of 2, 1 predicted: F1 2/3; b: 1 right of 1, 2 predicted: F1 2/3; c: missed, 0
    found = scores("aabc", "abbd")
    assert found == pytest.approx({"accuracy": 0.5, "f1_macro": 4 / 9, "f1_weighted": 0.5})


def test_each_task_has_its_main_metric_first():
    first = {id: get_task(id).metrics[0].name for id in ("nli", "paraphrase", "topic", "sentiment")}
    assert first == {
        "nli": "accuracy",
        "paraphrase": "accuracy",
        "topic": "accuracy",
        "sentiment": "f1_macro",
    }


@given(LABEL_LISTS, st.integers(0, 100))
def test_counts_have_the_same_columns_for_any_predictions_and_add_up(pairs, seed):
    gold, predicted = zip(*pairs, strict=True)
    counts = TOPIC.count(texts(gold), predicted)
    order = np.random.default_rng(seed).permutation(len(gold))
    shuffled = TOPIC.count(texts([gold[i] for i in order]), [predicted[i] for i in order])
    assert counts.shape == (len(gold), 3 * len(set(gold)))
    assert counts[order].tolist() == shuffled.tolist()


def test_refuses_predictions_of_other_examples():
    with pytest.raises(DataFormatError, match=r"1 predicted labels[\s\S]*2, one an example"):
        TOPIC.count(texts("ab"), ["a"])


# --- labels -------------------------------------------------------------------------------------


def test_labels_are_sorted_whatever_the_order_of_the_examples():
    assert TOPIC.labels(texts("cab"), texts("a")) == TOPIC.labels(texts("bca")) == ("a", "b", "c")


def test_refuses_languages_that_name_labels_differently():
    with pytest.raises(
        UnknownLabelError,
        match=r"language 1: neg, pos\n *language 2: negative, pos[\s\S]*classes=neg,negative,pos",
    ):
        TOPIC.labels(texts(["neg", "pos"]), texts(["negative", "pos"]))


def test_labels_can_be_named():
    task = get_task("topic", {"classes": "health, business,sports"})
    assert task.labels(texts(["sports"]), texts(["health"])) == ("health", "business", "sports")
    with pytest.raises(UnknownLabelError, match=r"got: +religion\n *expected: health, business"):
        task.labels(texts(["religion", "sports"]))


def test_refuses_unknown_options():
    with pytest.raises(TaskOptionError, match=r"layer: no option of the task[\s\S]*classes"):
        get_task("nli", {"layer": "1"})


# --- encoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_texts", [1, 2])
@pytest.mark.parametrize("max_length", [8, 20, 128])
def test_texts_are_encoded_as_the_tokenizer_does(kind, num_texts, max_length):
    tokenizer = tiny_tokenizer(kind)
    rows = [TINY_TEXT[i : i + num_texts] for i in range(0, 20, 2)]
    before = tokenizer.backend_tokenizer.to_str()
    found = text_tokens(tokenizer, [tuple(row) for row in rows], max_length)
    assert tokenizer.backend_tokenizer.to_str() == before
    for row, tokens in zip(rows, found, strict=True):
        whole = tokenizer(*row)
        expected = tokenizer(*row, truncation=True, max_length=max_length)
        assert tokens.input_ids == expected["input_ids"]
        assert tokens.token_type_ids == expected.get("token_type_ids")
        assert tokens.is_cut == (len(whole["input_ids"]) > max_length)


def test_a_cut_pair_keeps_its_special_tokens_and_the_shorter_text():
    tokenizer = tiny_tokenizer("wordpiece")
    long, short = " ".join(TINY_TEXT[:5]), "a"
    (tokens,) = text_tokens(tokenizer, [(long, short)], 12)
    special = [i for i in tokens.input_ids if i in tokenizer.all_special_ids]
    assert special == [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.sep_token_id]
    assert tokens.input_ids[-3:] == tokenizer("", short)["input_ids"][-3:]
    assert tokens.token_type_ids == [0] * 10 + [1] * 2


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_text_that_spells_a_special_token_becomes_unknown(kind):
    tokenizer = tiny_tokenizer(kind)
    (tokens,) = text_tokens(tokenizer, [(f"a {tokenizer.sep_token} a",)], 128)
    assert tokens.input_ids.count(tokenizer.sep_token_id) == 1
    assert tokenizer.unk_token_id in tokens.input_ids


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.integers(3, 12))
def test_no_sequence_is_too_long_and_none_loses_its_borders(lines, max_length):
    tokenizer = tiny_tokenizer("unigram")
    for tokens in text_tokens(tokenizer, [(line,) for line in lines], max_length):
        assert len(tokens.input_ids) <= max_length
        assert tokens.input_ids[0] == tokenizer.cls_token_id
        assert tokens.input_ids[-1] == tokenizer.sep_token_id


def test_refuses_a_length_without_room_for_both_texts():
    with pytest.raises(SequenceLengthError, match=r"4 tokens[\s\S]*at least 5: 3 special tokens"):
        text_tokens(tiny_tokenizer("wordpiece"), [("a", "b")], 4)


def test_refuses_a_label_that_the_model_does_not_know():
    examples = texts(["positive", "mixed", "mixed"], "Habari gani")
    with pytest.raises(
        UnknownLabelError, match=r"mixed \(2x\); first of 'Habari gani'[\s\S]*negative, neutral"
    ):
        TOPIC.encode(examples, tiny_tokenizer("unigram"), LABELS, 128)


# --- decoding -----------------------------------------------------------------------------------


def test_predictions_are_in_the_order_of_the_examples_whatever_that_of_the_outputs():
    examples = texts(["neutral", "negative", "positive"])
    encoded = TOPIC.encode(examples, tiny_tokenizer("unigram"), LABELS, 128)
    outputs = [np.eye(3, dtype=np.float32)[LABELS.index(e.label)] for e in examples]
    expected = ["neutral", "negative", "positive"]
    assert [part.labels for part in encoded] == [[1], [0], [2]]
    assert TOPIC.decode(encoded, outputs, LABELS) == expected
    assert TOPIC.decode(copy.copy(encoded)[::-1], outputs[::-1], LABELS) == expected


def test_refuses_outputs_of_another_head():
    encoded = TOPIC.encode(texts(["neutral"]), tiny_tokenizer("unigram"), LABELS, 128)
    with pytest.raises(UnknownLabelError, match=r"shape \(2,\)[\s\S]*3, one for each of negative"):
        TOPIC.decode(encoded, [np.zeros(2, np.float32)], LABELS)


def test_the_plan_says_how_many_texts_are_cut(tmp_path):
    for name, text in (("sports", "leo " * 40), ("health", "Juma")):
        path = tmp_path / "swh-Latn" / "train.tsv"
        path.parent.mkdir(exist_ok=True)
        head = "" if path.exists() else "category\ttext\n"
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{head}{name}\t{text.strip()}\n")
    config = FineTuningConfig(task="topic", data=str(tmp_path), languages=("sw",), max_length=16)
    plan = METHOD.plan(*tiny_pair("bert", "wordpiece"), config, Context())
    assert plan.num_truncated == 1
    assert "1 texts are cut at max_length" in plan.summary()
