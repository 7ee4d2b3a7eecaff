"""Unigram scores through JSON, with the parser of the tokenizers library."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from tests.tokenizers.zoo import zoo_tokenizer
from tinyglot.tokenizers.scores import portable_digits
from tinyglot.tokenizers.state import read_state, state_text


def random_scores(number):
    return (-20 * np.random.default_rng(0).random(number)).tolist()


def read_by_tokenizers(digits):
    """Give the numbers that `Tokenizer.from_str` makes of these digits."""
    empty = json.loads(Tokenizer(models.Unigram([("<unk>", 0.0)], unk_id=0)).to_str())
    pieces = ", ".join(f'["{index}", {text}]' for index, text in enumerate(digits))
    text = json.dumps(empty).replace('[["<unk>", 0.0]]', f"[{pieces}]")
    state = json.loads(Tokenizer.from_str(text).to_str())
    return [score for _, score in state["model"]["vocab"]]


def changed(scores, read):
    return sum(a != b for a, b in zip(scores, read, strict=True))


def test_the_library_changes_the_usual_digits():
    """Negative control: the day this fails, `portable_digits` can go."""
    scores = random_scores(20_000)
    assert changed(scores, read_by_tokenizers(map(repr, scores))) > 1_000


def test_the_library_reads_portable_digits_as_they_are():
    scores = random_scores(20_000)
    assert changed(scores, read_by_tokenizers(map(portable_digits, scores))) <= 40


def test_scores_that_were_float32_survive_as_well():
    scores = np.array(random_scores(20_000), dtype=np.float32).astype(float).tolist()
    assert changed(scores, read_by_tokenizers(map(portable_digits, scores))) <= 40


@given(st.floats(-1e3, 1e3, allow_nan=False))
def test_a_correct_parser_reads_every_number_exactly(score):
    assert float(portable_digits(score)) == score
    assert json.loads(portable_digits(score)) == score


def test_short_numbers_stay_short():
    texts = ["0.0", "-1.0", "-9.5", "-10.25", "3.0"]
    assert [portable_digits(float(text)) for text in texts] == texts


def test_other_numbers_get_digits_that_are_read_right():
    assert read_by_tokenizers(["-12.458033897794039"]) == [-12.45803389779404]
    assert portable_digits(-12.458033897794039) == "-12.458033897794038580"
    assert read_by_tokenizers(["-12.458033897794038580"]) == [-12.458033897794039]


def test_tokenizer_json_holds_the_scores_of_the_tokenizer_in_memory():
    tokenizer = zoo_tokenizer("xlm_roberta")
    state = read_state(tokenizer)
    assert json.loads(state_text(state)) == state
    again = json.loads(Tokenizer.from_str(state_text(state)).to_str())
    old = [score for _, score in state["model"]["vocab"]]
    new = [score for _, score in again["model"]["vocab"]]
    assert changed(old, new) <= 4
