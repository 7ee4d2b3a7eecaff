"""A tokenizer that is read once answers as the functions that read it every time."""

import pytest

from tests.tiny import TINY_TEXT
from tests.tokenizers.zoo import ZOO, zoo_tokenizer
from tinyglot.tokenizers import (
    ParsedTokenizer,
    character_token_ids,
    close_token_ids,
    required_token_ids,
    trim_tokenizer,
    unknown_token_ids,
)

every_tokenizer = pytest.mark.parametrize("name", ZOO)


@every_tokenizer
def test_answers_are_those_of_the_functions(name):
    tokenizer = zoo_tokenizer(name)
    parsed = ParsedTokenizer(tokenizer)
    assert parsed.required_token_ids == required_token_ids(tokenizer)
    assert parsed.unknown_token_ids == unknown_token_ids(tokenizer)
    letters = parsed.character_token_ids(["Ethi"])
    assert letters == character_token_ids(tokenizer, ["Ethi"])
    assert parsed.close(letters) == close_token_ids(tokenizer, letters)


@every_tokenizer
def test_it_trims_as_often_as_wanted(name):
    tokenizer = zoo_tokenizer(name)
    parsed = ParsedTokenizer(tokenizer)
    for lines in (TINY_TEXT[:5], TINY_TEXT[20:30]):
        ids = {token_id for line in lines for token_id in tokenizer(line)["input_ids"]}
        kept = sorted(parsed.close(ids | parsed.required_token_ids))
        expected = trim_tokenizer(tokenizer, kept).backend_tokenizer.to_str()
        assert parsed.trim(kept).backend_tokenizer.to_str() == expected


@every_tokenizer
def test_digests_differ_with_the_tokens(name):
    tokenizer = zoo_tokenizer(name)
    before = ParsedTokenizer(tokenizer).digest
    assert before == ParsedTokenizer(zoo_tokenizer(name)).digest
    tokenizer.add_tokens(["one more"])
    assert ParsedTokenizer(tokenizer).digest != before
