import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tests.real_data import real_data
from tests.tiny import tiny_model, tiny_tokenizer
from tinyglot.data.examples import Answer, Question
from tinyglot.errors import DataFormatError, SequenceLengthError, TaskOptionError
from tinyglot.evaluation.predict import predict, torch_predictor
from tinyglot.tasks import get_task
from tinyglot.tasks.qa import LocalQuestion, best_span
from tinyglot.tasks.question_windows import ContextWindow, pair_template, token_span

QA = get_task("qa")
LABELS = ("start", "end")
KINDS = ["wordpiece", "bpe", "bpe_byte_fallback", "unigram"]
TOKENIZERS = {kind: tiny_tokenizer(kind) for kind in KINDS}
CONTEXT = "Mwalimu Asha anaishi Dodoma. Juma anaishi Nairobi, mji mkuu wa Kenya."


def asked(answer="Nairobi", context=CONTEXT, **options):
    answers = (Answer(answer, context.index(answer)),) if answer else ()
    return Question("q1", "Asha", context, "Juma anaishi wapi?", answers, **options)


def gold_outputs(encoded):
    """Outputs that are high at the labels, and lowest where the answer is in another window."""
    outputs = []
    for window in encoded:
        rows = np.full((len(window.input_ids), 2), -9.0, dtype=np.float32)
        rows[window.labels[0], 0] = rows[window.labels[1], 1] = 9.0
        outputs.append(rows)
    return outputs


# --- encoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_token_ids_are_those_of_transformers(kind):
    tokenizer = TOKENIZERS[kind]
    [encoded] = QA.encode([asked()], tokenizer, LABELS, 512)
    expected = tokenizer("Juma anaishi wapi?", CONTEXT)
    assert encoded.input_ids == expected["input_ids"]
    assert encoded.token_type_ids == expected.get("token_type_ids")


def test_pairs_have_the_special_tokens_and_types_of_the_tokenizer():
    wordpiece, roberta = (pair_template(TOKENIZERS[kind]) for kind in ("wordpiece", "bpe"))
    assert wordpiece.joined([7], [8]) == [2, 7, 3, 8, 3]
    assert wordpiece.token_types(1, 1) == [0, 0, 0, 1, 1]
    assert roberta.joined([7], [8]) == [0, 7, 2, 2, 8, 2]
    assert roberta.token_types(1, 1) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ["Nairobi", "Mwalimu Asha", "Kenya", "mji mkuu wa Kenya."])
def test_labels_are_the_tokens_of_the_answer(kind, answer):
    [encoded] = QA.encode([asked(answer)], TOKENIZERS[kind], LABELS, 512)
    first, last = (place - encoded.first_token for place in encoded.labels)
    text = CONTEXT[encoded.spans[first][0] : encoded.spans[last][1]]
    assert text.strip(".") == answer.strip(".")


@pytest.mark.parametrize("kind", KINDS)
def test_windows_hold_the_whole_paragraph_and_the_answer_in_at_least_one(kind):
    task = get_task("qa", {"stride": "20", "max_query_length": "4"})
    context = "ni " * 40 + CONTEXT
    encoded = task.encode([asked(context=context)], TOKENIZERS[kind], LABELS, 50)
    starts = [window.spans[0][0] for window in encoded]
    assert len(encoded) > 1
    assert starts == sorted(starts)
    covered = {place for window in encoded for span in window.spans for place in range(*span)}
    assert covered >= {i for i, character in enumerate(context) if not character.isspace()}
    assert all(len(window.input_ids) <= 50 for window in encoded)
    assert [0, 0] in [window.labels for window in encoded]
    assert task.decode(encoded, gold_outputs(encoded), LABELS) == ["Nairobi"]


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_neighbouring_windows_share_the_stride(kind):
    task = get_task("qa", {"stride": 3, "max_query_length": 2})
    long = asked("", context="ni " * 60 + "Asha")
    first, second, *_ = task.encode([long], TOKENIZERS[kind], LABELS, 20)
    assert first.spans[-3:] == second.spans[:3]


def test_the_question_is_cut_to_its_limit():
    task = get_task("qa", {"max_query_length": 1})
    [encoded] = task.encode([asked()], TOKENIZERS["unigram"], LABELS, 512)
    whole = TOKENIZERS["unigram"]("Juma anaishi wapi?", add_special_tokens=False)["input_ids"]
    assert encoded.input_ids[:4] == [0, whole[0], 2, 2]


def test_a_question_without_known_answer_has_no_labels():
    [encoded] = QA.encode([asked("")], TOKENIZERS["unigram"], LABELS, 512)
    assert encoded.labels == [-100, -100]


def test_special_tokens_that_text_spells_are_unknown_tokens():
    tokenizer = TOKENIZERS["unigram"]
    [encoded] = QA.encode([asked("mji", context="mji </s> <mask> mji")], tokenizer, LABELS, 512)
    inside = encoded.input_ids[encoded.first_token : -1]
    assert set(inside).isdisjoint({tokenizer.eos_token_id, tokenizer.mask_token_id})
    assert inside.count(tokenizer.unk_token_id) == 2


def test_the_tokenizer_stays_as_it_was():
    tokenizer = tiny_tokenizer("wordpiece")
    tokenizer.backend_tokenizer.enable_truncation(7)
    QA.encode([asked()], tokenizer, LABELS, 512)
    assert tokenizer.backend_tokenizer.truncation["max_length"] == 7


def test_refuses_a_maximum_length_without_room():
    with pytest.raises(SequenceLengthError, match="5 tokens"):
        QA.encode([asked()], TOKENIZERS["unigram"], LABELS, 5)


@pytest.mark.parametrize("option", ["stride", "max_query_length", "max_answer_length"])
def test_refuses_options_out_of_range(option):
    with pytest.raises(TaskOptionError, match=rf"{option}[\s\S]*got '-1'"):
        get_task("qa", {option: "-1"})


def test_refuses_unknown_rules():
    with pytest.raises(TaskOptionError, match=r"normalisation[\s\S]*got 'bleu'"):
        get_task("qa", {"normalisation": "bleu"})


# --- decoding -----------------------------------------------------------------------------------


def window(text, spans, first_token=1):
    return ContextWindow(
        input_ids=[0] * (first_token + len(spans)),
        labels=[0, 0],
        example=0,
        context=text,
        first_token=first_token,
        spans=spans,
    )


AB_C = window("ab c", [(0, 1), (1, 2), (3, 4)])


def test_the_best_span_has_the_highest_sum():
    outputs = np.array([[9, 9], [1, 0], [3, 1], [0, 2]], dtype=np.float32)
    assert best_span(AB_C, outputs, 30) == (5.0, "b c")


def test_a_span_does_not_end_before_it_starts():
    outputs = np.array([[0, 0], [0, 5], [0, 0], [5, 1]], dtype=np.float32)
    assert best_span(AB_C, outputs, 30) == (6.0, "c")


def test_a_span_is_not_too_long():
    outputs = np.array([[0, 0], [5, 0], [1, 0], [0, 5]], dtype=np.float32)
    assert best_span(AB_C, outputs, 30) == (10.0, "ab c")
    assert best_span(AB_C, outputs, 2) == (6.0, "b c")


def test_a_span_does_not_begin_at_a_token_without_characters():
    outputs = np.array([[0, 0], [0, 0], [9, 9], [1, 1]], dtype=np.float32)
    assert best_span(window("a c", [(0, 1), (2, 2), (2, 3)]), outputs, 30) == (2.0, "c")


def test_a_paragraph_without_characters_has_an_empty_answer():
    blank = asked("", context="  ")
    encoded = QA.encode([blank], TOKENIZERS["unigram"], LABELS, 512)
    outputs = [np.zeros((len(e.input_ids), 2), dtype=np.float32) for e in encoded]
    assert QA.decode(encoded, outputs, LABELS) == [""]


def naive_best(rows, limit):
    """Every pair of tokens, one after the other."""
    count = len(rows)
    pairs = [(i, j) for i in range(count) for j in range(i, min(i + limit, count))]
    return max(float(rows[i, 0]) + float(rows[j, 1]) for i, j in pairs)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_best_span_is_that_of_all_pairs(count, limit, random):
    spans = [(i, i + 1) for i in range(count)]
    rows = np.array(random.sample(range(100), 2 * count), dtype=np.float32).reshape(-1, 2)
    text = "abcdefghijkl"[:count]
    found, answer = best_span(window(text, spans, 0), rows, limit)
    assert found == naive_best(rows, limit)
    assert len(answer) <= limit
    assert found == rows[text.index(answer[0]), 0] + rows[text.index(answer[-1]), 1]


def test_tokens_of_a_stretch():
    spans = [(0, 3), (3, 3), (4, 9)]
    assert token_span(spans, 2, 5) == (0, 2)
    assert token_span(spans, 3, 4) is None


# --- scores -------------------------------------------------------------------------------------


def test_the_most_alike_answer_counts():
    answers = (Answer("the city of Nairobi", 0), Answer("Kenya", 0))
    question = Question("q", "t", "c", "?", answers)
    rows = QA.count([question, question, question], ["Nairobi", "kenya.", "Asha"])
    # 2 * (1 * 1/3) / (1 + 1/3) = 0.5: "the" is no word, "city of nairobi" are three
    assert rows.tolist() == [[0.5, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    scores = [float(metric.scores(rows.sum(axis=0))) for metric in QA.metrics]
    assert scores == [0.5, 1 / 3]


def test_the_language_decides_where_mlqa_scores():
    answers = (Answer("der Rhein", 0),)
    german = LocalQuestion("q", "t", "c", "?", answers, language="deu-Latn")
    assert QA.count([german], ["Rhein"])[0, 1] == 0
    assert get_task("qa", {"normalisation": "mlqa"}).count([german], ["Rhein"])[0, 1] == 1


def test_refuses_questions_without_a_right_answer():
    with pytest.raises(DataFormatError, match=r"1 answers to 1 questions, 1 of them[\s\S]*'q1'"):
        QA.count([asked("")], ["Nairobi"])


def test_refuses_answers_to_other_questions():
    with pytest.raises(DataFormatError, match="0 answers to 1 questions, 0 of them"):
        QA.count([asked()], [])


# --- from file to scores ------------------------------------------------------------------------


def test_reads_questions_with_their_language(tmp_path):
    paragraph = {
        "context": CONTEXT,
        "qas": [
            {
                "id": "q1",
                "question": "Juma anaishi wapi?",
                "answers": [{"text": "Nairobi", "answer_start": CONTEXT.index("Nairobi")}],
            }
        ],
    }
    (tmp_path / "sw").mkdir()
    articles = {"data": [{"title": "Asha", "paragraphs": [paragraph]}]}
    (tmp_path / "sw/test.json").write_text(json.dumps(articles))
    [question] = QA.read(str(tmp_path), "sw", "test")
    assert question == LocalQuestion(
        "q1", "Asha", CONTEXT, "Juma anaishi wapi?", asked().answers, language="swh-Latn"
    )
    assert QA.text_of(question) == "Juma anaishi wapi?"
    assert QA.labels([question]) == LABELS


@pytest.mark.parametrize("language", ["en", "zh", "th", "ar"])
def test_gold_spans_of_real_questions_are_the_answers(language):
    task = get_task("qa", {"max_answer_length": 500})
    questions = task.read(str(real_data("qa/xquad")), language, "test[:10%]")
    encoded = task.encode(questions, TOKENIZERS["wordpiece"], LABELS, 100_000)
    predicted = task.decode(encoded, gold_outputs(encoded), LABELS)
    assert len(questions) > 100
    score = task.score(task.count(questions, predicted).sum(axis=0))
    assert score >= 0.95  # an unknown word is one token, so an answer inside it comes with it


@pytest.mark.parametrize("family", ["bert", "xlm_roberta"])
def test_a_model_answers_with_a_part_of_the_paragraph(family):
    kind = {"bert": "wordpiece", "xlm_roberta": "unigram"}[family]
    tokenizer = TOKENIZERS[kind]
    model = tiny_model(family, "question_answering", vocab_size=len(tokenizer))
    encoded = QA.encode([asked(), asked("Dodoma")], tokenizer, LABELS, 60)
    outputs = predict(torch_predictor(model), encoded, tokenizer.pad_token_id)
    assert [rows.shape for rows in outputs] == [(len(e.input_ids), 2) for e in encoded]
    answers = QA.decode(encoded, outputs, LABELS)
    assert all(answer and answer in CONTEXT for answer in answers)
