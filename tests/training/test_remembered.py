import os

import pytest

from tests.methods.labelled import write_data
from tests.tiny import tiny_pair
from tinyglot.training import TaskTrainingOptions, read_corpus
from tinyglot.training.corpus import CORPORA
from tinyglot.training.remembered import Memory


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a small corpus, two of which are kept."""
    monkeypatch.setattr(CORPORA, "limit", 2)
    monkeypatch.setattr(CORPORA, "_kept", {})
    model, tokenizer = tiny_pair("bert", "wordpiece")
    data = write_data(tmp_path / "data")

    def read(seed=0, **options):
        given = TaskTrainingOptions(
            task="ner", data=str(data), languages=("swh-Latn", "deu-Latn"), **options
        )
        return read_corpus(model, tokenizer, given, seed)

    read.data = data
    return read


def test_the_same_data_are_encoded_once(read):
    assert read() is read()
    assert read(learning_rate=0.1) is read()  # nothing that the encoding depends on


def test_other_options_seeds_and_files_are_encoded_anew(read):
    first = read()
    assert read(max_length=16) is not first
    assert read(seed=1) is not first
    again = read()
    file = next(read.data.rglob("train.conll"))
    os.utime(file, ns=(0, 0))
    assert read() is not again


def test_nothing_is_kept_unless_asked_for(read, monkeypatch):
    monkeypatch.setattr(CORPORA, "limit", 0)
    assert read() is not read()


def test_keeps_the_values_that_were_used_last():
    memory = Memory()
    memory.limit = 2
    made = []

    def get(key):
        return memory.get(key, lambda: made.append(key))

    for key in "abacab":
        get(key)
    assert made == ["a", "b", "c", "b"]
