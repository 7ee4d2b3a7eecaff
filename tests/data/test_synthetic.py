from functools import partial

import pytest

from tinyglot.data import demo, synthetic
from tinyglot.data.reading import read_examples
from tinyglot.data.synthetic import is_synthetic, locate_data, locate_text, synthetic_path
from tinyglot.errors import DataNotFoundError

SIZES = {"train": 6, "dev": 2, "test": 2}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A cache of its own, a corpus of one language, and a list of the times it was made."""
    times = []

    def make(directory):
        times.append(directory)
        return partial(make_corpus, languages=["sw"], sentences_per_split=SIZES)(directory)

    make_corpus = demo.make_ner_corpus
    monkeypatch.setattr(demo, "make_ner_corpus", make)
    monkeypatch.setenv("TINYGLOT_CACHE", str(tmp_path))
    return times


def test_the_corpus_is_made_once(made, tmp_path):
    first, second = synthetic_path("synthetic:ner"), synthetic_path("synthetic:ner")
    assert first == second
    assert first.parent == tmp_path
    assert len(made) == 1


def test_data_and_text_are_found_by_name(made):
    directory = synthetic_path("synthetic:ner")
    assert locate_data("synthetic:ner") == str(directory)
    assert locate_text("synthetic:ner", "swh-Latn") == directory / "swh-Latn.txt"
    assert locate_text("synthetic:ner", "swh-Latn").read_text("utf-8").strip()
    assert len(read_examples("ner", "synthetic:ner", "sw", "train")) == 6
    assert len(made) == 1


def test_other_templates_make_another_corpus(made, monkeypatch):
    first = synthetic_path("synthetic:ner")
    monkeypatch.setattr(synthetic, "_makers_digest", lambda: "other")
    assert synthetic_path("synthetic:ner") != first
    assert len(made) == 2


def test_paths_and_hub_ids_stay_as_they_are(made):
    assert locate_data("org/name") == "org/name"
    assert str(locate_text("some/sw.txt", "swh-Latn")) == "some/sw.txt"
    assert [is_synthetic(name) for name in ("synthetic:ner", "data/synthetic")] == [True, False]
    assert made == []


def test_an_unknown_corpus_is_told(made):
    with pytest.raises(DataNotFoundError, match=r"got: +synthetic:pos\n +expected: synthetic:ner"):
        synthetic_path("synthetic:pos")
    assert made == []
