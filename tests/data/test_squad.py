import json

import pytest

from tests.real_data import real_data
from tinyglot.data.columns import examples_of
from tinyglot.data.examples import Answer, Question
from tinyglot.data.squad import read_squad
from tinyglot.data.tables import read_table
from tinyglot.errors import DataFormatError, EmptyTextError

CONTEXT = "Juma anaishi Mombasa."
ANSWER = {"text": "Mombasa", "answer_start": 13}
QUESTION = {"id": "q1", "question": "Wapi?", "answers": [ANSWER]}


@pytest.fixture
def squad(tmp_path):
    def make(*questions, title="Juma", **paragraph):
        content = {"context": CONTEXT, "qas": list(questions), **paragraph}
        article = {"title": title, "paragraphs": [content]}
        path = tmp_path / "test.json"
        path.write_text(json.dumps({"version": "1.1", "data": [article]}))
        return path

    return make


def test_reads_questions(squad):
    question = Question("q1", "Juma", CONTEXT, "Wapi?", (Answer("Mombasa", 13),))
    assert read_squad(squad(QUESTION)) == [question]


def test_equal_answers_count_once_and_none_is_no_mistake(squad):
    questions = read_squad(
        squad(QUESTION | {"answers": [ANSWER, ANSWER]}, {"id": "q2", "question": "Nani?"})
    )
    assert [len(question.answers) for question in questions] == [1, 0]


def test_every_misplaced_answer_is_named_with_article_and_question(squad):
    def with_answer(name, text, start):
        return QUESTION | {"id": name, "answers": [{"text": text, "answer_start": start}]}

    path = squad(
        QUESTION,
        with_answer("q2", "Mombasa", 12),
        with_answer("q3", "Nairobi", 3),
        with_answer("q4", "Mombasa", -8),
        with_answer("q5", "", 0),
        with_answer("q6", "Mombasa", 500),
    )
    with pytest.raises(DataFormatError, match=r"test\.json: 5 broken question") as caught:
        read_squad(path)
    lines = caught.value.got.splitlines()
    assert lines[0] == (
        "Juma, question q2: answer 'Mombasa' is not at 12 (there: ' Mombas'); it stands at 13"
    )
    assert "it is nowhere in the context" in lines[1]
    assert [line.split(":")[0] for line in lines] == [f"Juma, question q{i}" for i in range(2, 7)]


def test_an_id_that_is_there_twice_is_named(squad):
    with pytest.raises(
        DataFormatError, match=r"question q1: this id is there twice, first in Juma"
    ):
        read_squad(squad(QUESTION, QUESTION))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ({"id": "q1", "answers": []}, "question q1 without question"),
        ({"question": "Wapi?"}, "question without id"),
        (QUESTION | {"answers": [{"text": "Juma"}]}, "q1: answers without text or answer_start"),
        (QUESTION | {"answers": [{"text": None, "answer_start": 1}]}, "q1: answers without text"),
        (QUESTION | {"answers": 5}, "q1: answers without text"),
        (QUESTION | {"answers": "Mombasa"}, "q1: answers without text"),
        (QUESTION | {"answers": [{"text": "u", "answer_start": True}]}, "q1: answers without text"),
        (QUESTION | {"question": ["Wapi?"]}, "q1: question is no text"),
        ("Wapi?", 'Juma: no object in "qas"'),
    ],
)
def test_broken_questions_are_named(squad, question, text):
    with pytest.raises(DataFormatError, match="1 broken question") as caught:
        read_squad(squad(question))
    assert text in caught.value.got


@pytest.mark.parametrize(
    ("article", "text"),
    [
        ({"title": "Juma"}, 'Juma: no list "paragraphs"'),
        ({"title": "Juma", "paragraphs": 5}, 'Juma: no list "paragraphs"'),
        ({"title": "Juma", "paragraphs": [5]}, 'Juma: no object in "paragraphs"'),
        ({"title": "Juma", "paragraphs": [{"context": CONTEXT}]}, 'Juma: no list "qas"'),
        ({"paragraphs": [{"qas": {"id": "q1"}}]}, 'article 0: no list "qas"'),
        (5, 'article 0: no list "paragraphs"'),
    ],
)
def test_articles_without_questions_are_named(tmp_path, article, text):
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"data": [article]}))
    with pytest.raises(DataFormatError, match="1 broken question") as caught:
        read_squad(path)
    assert caught.value.got == text


def test_refuses_a_context_that_is_no_text(squad):
    with pytest.raises(DataFormatError, match="q1: context is no text"):
        read_squad(squad(QUESTION, context=["Juma"]))


@pytest.mark.parametrize("answers", [5, "Mombasa", [5], {"text": ["x"], "answer_start": [True]}])
def test_answers_of_another_kind_are_named_in_json_lines(tmp_path, answers):
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(QUESTION | {"context": CONTEXT, "answers": answers}))
    with pytest.raises(DataFormatError, match="line 1: question q1: answers without text"):
        examples_of("qa", read_table(path))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "line 1, column 2: Expecting property name"),
        ('{"questions": []}', 'no list "data"; there is questions'),
        ("[]", 'no list "data"; there is list'),
    ],
)
def test_refuses_other_json(tmp_path, content, text):
    path = tmp_path / "test.json"
    path.write_text(content)
    with pytest.raises(DataFormatError, match=r"test\.json as questions") as caught:
        read_squad(path)
    assert text in caught.value.got


def test_refuses_a_file_without_questions(squad):
    with pytest.raises(EmptyTextError, match="it has no question"):
        read_squad(squad())


def test_rows_as_on_the_hub(tmp_path):
    answers = {"text": ["Mombasa"], "answer_start": [13]}
    row = {"id": "q1", "title": "Juma", "context": CONTEXT, "question": "Wapi?", "answers": answers}
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps(row) + "\n")
    question = Question("q1", "Juma", CONTEXT, "Wapi?", (Answer("Mombasa", 13),))
    assert examples_of("qa", read_table(path)) == [question]
    path.write_text(
        json.dumps(row | {"answers": {"text": ["Juma"], "answer_start": [1]}}) + "\n{\n"
    )
    with pytest.raises(DataFormatError, match="2 broken question") as caught:
        examples_of("qa", read_table(path))
    assert caught.value.got.startswith("line 1, question q1: answer 'Juma' is not at 1")
    assert "line 2: no JSON" in caught.value.got


@pytest.mark.parametrize("language", ["ar", "zh"])
def test_reads_xquad(language):
    questions = read_squad(real_data(f"qa/xquad/{language}/test.json"))
    assert len(questions) == 1190
    assert len({question.title for question in questions}) == 48
    assert all(len(question.answers) == 1 for question in questions)
