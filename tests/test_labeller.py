import json

import pytest

from tests.cli.console import run
from tests.tiny import tiny_pair
from tinyglot import Labeller, save_checkpoint
from tinyglot.errors import DataFormatError, UnknownMethodError
from tinyglot.training.head import with_head


def classifier(directory, labels):
    from transformers import BertForSequenceClassification

    model, tokenizer = tiny_pair("bert", "wordpiece")
    headed = with_head(model, BertForSequenceClassification, labels, seed=0)
    save_checkpoint(headed, tokenizer, directory)
    return directory


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("topics") / "model", ("health", "sports"))


@pytest.fixture(scope="module")
def inference(tmp_path_factory):
    labels = ("contradiction", "entailment", "neutral")
    return classifier(tmp_path_factory.mktemp("nli") / "model", labels)


def test_every_text_gets_a_label_and_none_where_there_is_none(topics):
    labels = Labeller(topics, task="topic").classify([["Juma anaishi Nairobi"], [""], ["leo"]])
    assert labels[1] == ""
    assert {labels[0], labels[2]} <= {"health", "sports"}


def test_a_pair_of_texts_gets_one_label(inference):
    (label,) = Labeller(inference, task="nli").classify([["Juma analala", "Juma yuko macho"]])
    assert label in {"contradiction", "entailment", "neutral"}


def test_one_text_where_two_are_needed_is_refused(inference):
    with pytest.raises(DataFormatError, match=r"1 text\(s\): 'Juma'[\s\S]*a tab between"):
        Labeller(inference, task="nli").classify([["Juma"]])
    with pytest.raises(DataFormatError, match=r"'Juma', line 8"):
        Labeller(inference, task="nli").classify([["a", "b"], ["Juma"]], first_line=7)


def test_a_task_that_labels_nothing_is_refused(topics):
    with pytest.raises(UnknownMethodError, match=r"for the task qa[\s\S]*ner, pos, topic"):
        Labeller(topics, task="qa")


def test_the_command_prints_a_label_a_line(monkeypatch, topics):
    import io
    import sys
    from types import SimpleNamespace

    lines = SimpleNamespace(buffer=io.BytesIO(b"Juma leo\n\nAsha\n"))
    monkeypatch.setattr(sys, "stdin", lines)
    ended = run("predict", str(topics), "--task", "topic", "--json")
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["texts"] for one in found] == [["Juma leo"], [""], ["Asha"]]
    assert [one["label"] == "" for one in found] == [False, True, False]
