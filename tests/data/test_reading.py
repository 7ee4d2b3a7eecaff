import json

import datasets
import pytest

from tests.real_data import real_data
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import LabelledText, Parallel, Question
from tinyglot.data.reading import (
    available_languages,
    available_splits,
    read_everything,
    read_examples,
)
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    EmptyTextError,
    UnknownLanguageError,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path.parent / "cache")


UPOS_LINE = "1\tKuba\t_\tPROPN\t_\t_\t_\t_\t_\t_\n\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    return path


def squad(*contexts):
    """Two questions a paragraph, one article a paragraph."""
    return json.dumps({"data": [article(number, text) for number, text in enumerate(contexts)]})


def article(number, context):
    answers = [{"text": context[:2], "answer_start": 0}]
    rows = [{"id": f"{number}-{i}", "question": "?", "answers": answers} for i in (0, 1)]
    return {"title": f"T{number}", "paragraphs": [{"context": context, "qas": rows}]}


CASES = {
    "ner": ("sw/dev.conll", "Juma\tB-PER\n", TaggedSentence(("Juma",), ("B-PER",))),
    "pos": ("sw/dev.conllu", UPOS_LINE, TaggedSentence(("Kuba",), ("PROPN",))),
    "text": ("sw/dev.tsv", "label\ttext\nspoti\tGoli\n", LabelledText(("Goli",), "spoti")),
    "pair": (
        "sw/dev.csv",
        "premise,hypothesis,label\nA,B,neutral\n",
        LabelledText(("A", "B"), "neutral"),
    ),
    "parallel": ("sw/dev.tsv", "source\ttarget\nHabari\tHello\n", Parallel("Habari", "Hello")),
    "lines": ("sw/dev.txt", "Habari\n", "Habari"),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_is_read_from_our_layout(tmp_path, kind):
    name, content, example = CASES[kind]
    write(tmp_path / name, content)
    assert read_examples(kind, tmp_path, "swa", "validation") == [example]
    assert available_languages(kind, tmp_path) == ("swh-Latn",)
    assert available_splits(kind, str(tmp_path), "sw") == ("dev",)


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_is_read_from_a_directory_that_holds_the_splits(tmp_path, kind):
    name, content, example = CASES[kind]
    write(tmp_path / "mine" / name.partition("/")[2], content)
    assert read_examples(kind, tmp_path / "mine", "swa", "dev") == [example]
    assert available_languages(kind, tmp_path / "mine") == ()


@pytest.mark.parametrize(
    ("kind", "content", "example"),
    [
        ("ner", '{"tokens": ["Juma"], "ner_tags": ["U-PER"]}', CASES["ner"][2]),
        ("pos", '{"words": ["Kuba"], "upos": ["PROPN"]}', CASES["pos"][2]),
        ("lines", '{"text": "Habari"}', "Habari"),
    ],
)
def test_tagged_sentences_and_lines_may_be_json_lines(tmp_path, kind, content, example):
    write(tmp_path / "sw/dev.jsonl", content)
    assert read_examples(kind, tmp_path, "sw", "dev") == [example]


def test_questions_are_cut_by_article(tmp_path):
    write(tmp_path / "sw/test.json", squad("Moja", "Mbili", "Tatu", "Nne", "Tano"))

    def titles(split):
        return [question.title for question in read_examples("qa", tmp_path, "sw", split)]

    assert titles("test") == [f"T{i}" for i in range(5) for _ in (0, 1)]
    assert titles("test[:40%]") == ["T0", "T0", "T1", "T1"]
    assert titles("test[-1:]") == ["T4", "T4"]
    assert set(titles("test[:60%]")).isdisjoint(titles("test[60%:]"))


def test_other_kinds_are_cut_by_example(tmp_path):
    write(tmp_path / "sw/dev.conll", "".join(f"w{i}\tO\n\n" for i in range(10)))
    sentences = read_examples("ner", tmp_path, "sw", "validation[20%:50%]")
    assert [sentence.words for sentence in sentences] == [("w2",), ("w3",), ("w4",)]


# --- bad input ---------------------------------------------------------------------------------


def test_a_split_that_is_missing_names_those_there(tmp_path):
    write(tmp_path / "sw/train.tsv", CASES["text"][1])
    with pytest.raises(
        DataNotFoundError, match=r"split 'test' of swh-Latn[\s\S]*has train in this"
    ):
        read_examples("text", tmp_path, "sw", "test[:50%]")


def test_refuses_an_unknown_kind(tmp_path):
    with pytest.raises(DataFormatError, match=r"no such kind[\s\S]*sounds[\s\S]*ner pos text pair"):
        read_examples("sounds", tmp_path, "sw", "test")


def test_refuses_a_file_in_place_of_a_directory(tmp_path):
    path = write(tmp_path / "test.tsv", CASES["text"][1])
    with pytest.raises(
        DataNotFoundError, match=r"it is a file[\s\S]*<split>\.tsv[\s\S]*two levels"
    ):
        read_examples("text", path, "sw", "test")


def test_languages_are_never_mixed_where_a_level_of_folders_is_left_out(tmp_path):
    write(tmp_path / "one/sw/test.tsv", CASES["text"][1])
    write(tmp_path / "two/ha/test.tsv", CASES["text"][1])
    with pytest.raises(DataNotFoundError, match=r"holds one, two[\s\S]*<language>/.*\.tsv"):
        read_examples("text", tmp_path, "sw", "test")


@pytest.mark.parametrize("kind", ["ner", "text", "qa", "parallel", "lines"])
def test_a_directory_of_another_kind_says_what_it_holds(tmp_path, kind):
    write(tmp_path / "sw/test.xml", "<x/>")
    with pytest.raises(DataNotFoundError, match=r"holds sw[\s\S]*<language>/") as caught:
        read_examples(kind, tmp_path, "sw", "test")
    assert str(tmp_path) in caught.value.problem


def test_files_named_as_on_the_hub_need_no_data_card(tmp_path):
    write(tmp_path / "data/train-00000-of-00001.jsonl", '{"text": "Goli", "label": "spoti"}')
    assert read_examples("text", tmp_path, "sw", "train") == [CASES["text"][2]]


def test_refuses_an_unknown_language(tmp_path):
    with pytest.raises(UnknownLanguageError, match="qqqq"):
        read_examples("text", tmp_path, "qqqq", "test")


def test_refuses_a_drawn_split_without_a_line(tmp_path):
    write(tmp_path / "sw/words.txt", "moja\n")
    assert read_examples("lines", tmp_path, "sw", "train") == ["moja"]
    with pytest.raises(EmptyTextError, match=r"the split 'test' of swh-Latn .* it is empty"):
        read_examples("lines", tmp_path, "sw", "test")


def test_two_treebanks_of_a_language_are_an_error_that_names_them(tmp_path):
    for folder in ("UD_Czech-PDT", "UD_Czech-CAC", "UD_Slovak-SNK"):
        write(tmp_path / folder / "cs_x-ud-test.conllu", UPOS_LINE)
    with pytest.raises(DataFormatError, match="2 files of ces-Latn") as caught:
        read_examples("pos", tmp_path, "cs", "test")
    assert "UD_Czech-CAC or " in caught.value.fix
    assert len(read_examples("pos", tmp_path, "sk", "test")) == 1
    assert len(read_examples("pos", tmp_path / "UD_Czech-PDT", "cs", "test")) == 1


def test_one_broken_file_does_not_hide_the_others(tmp_path):
    write(tmp_path / "sw/train.conll", CASES["ner"][1])
    write(tmp_path / "sw/dev.conll", "Juma\tPERSON\nAli\tO\nx\n")
    write(tmp_path / "ha/test.conll", CASES["ner"][1])
    write(tmp_path / "hau-Latn/test.conll", CASES["ner"][1])
    write(tmp_path / "yo/test.conll", "")
    examples, problems = read_everything("ner", tmp_path)
    assert {place: len(found) for place, found in examples.items()} == {("swh-Latn", "train"): 1}
    assert [(p.tag, p.split, type(p.error)) for p in problems] == [
        ("hau-Latn", "test", DataFormatError),
        ("swh-Latn", "dev", DataFormatError),
        ("yor-Latn", "test", EmptyTextError),
    ]
    assert "illegal tag 'PERSON': line 1" in problems[1].error.got
    assert "sw/dev.conll" in problems[1].error.problem


def test_everything_can_be_one_language(tmp_path):
    write(tmp_path / "mine/dev.conll", CASES["ner"][1])
    with pytest.raises(DataNotFoundError, match=r"language of .*mine[\s\S]*--language sw"):
        read_everything("ner", tmp_path / "mine")
    examples, problems = read_everything("ner", tmp_path / "mine", "sw")
    assert (list(examples), problems) == ([("swh-Latn", "dev")], [])


def test_a_language_that_is_not_there_is_a_problem(tmp_path):
    write(tmp_path / "sw/dev.conll", CASES["ner"][1])
    examples, problems = read_everything("ner", tmp_path, "yo")
    assert examples == {}
    assert [(p.tag, p.split, type(p.error)) for p in problems] == [
        ("yor-Latn", None, DataNotFoundError)
    ]


# --- real data ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "folder", "language", "split", "num_examples", "example_type"),
    [
        ("ner", "ner/masakhaner2", "sw", "test", 1883, TaggedSentence),
        ("pos", "pos/UD_Slovak-SNK", "sk", "test", 700, TaggedSentence),
        ("pos", "pos/XTREME-UDPOS-zh", "zh", "dev", 400, TaggedSentence),
        ("pos", "pos", "yo", "test", 700, TaggedSentence),
        ("text", "topic/sib200", "mt", "test", 204, LabelledText),
        ("text", "sentiment/afrisenti", "ha", "train", None, LabelledText),
        ("text", "sentiment/kinit-reviews-sk", "sk", "test", 677, LabelledText),
        ("pair", "nli/xnli", "sw", "dev[:10]", 10, LabelledText),
        ("qa", "qa/xquad", "ro", "test", 1190, Question),
        ("parallel", "retrieval/tatoeba", "sw", "test", 390, Parallel),
        ("lines", "text", "zu", "test", None, str),
    ],
)
def test_real_folders(kind, folder, language, split, num_examples, example_type):
    examples = read_examples(kind, real_data(folder), language, split)
    assert num_examples in (None, len(examples))
    assert len(examples) > 0
    assert {type(example) for example in examples} == {example_type}
