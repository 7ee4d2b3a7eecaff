import hypothesis.strategies as st
import pytest
from hypothesis import given
from tokenizers import normalizers, processors

from tests.tiny import tiny_tokenizer
from tests.tiny_text import TINY_TEXT
from tinyglot.errors import SequenceLengthError, UnsupportedTokenizerError
from tinyglot.tasks.words import (
    check_length,
    sequence_limit,
    special_affixes,
    word_pieces,
    word_windows,
)

KINDS = ["wordpiece", "bpe", "bpe_byte_fallback", "unigram"]
WORDS = [line.split() for line in TINY_TEXT]


def as_split_words(tokenizer, words):
    """What transformers gives for words, without special tokens."""
    encoded = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    return encoded["input_ids"]


def joined(tokenizer, words):
    pieces = word_pieces(tokenizer, words)
    return [piece for word in words for piece in pieces[word]]


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
@pytest.mark.parametrize("words", WORDS[::6])
def test_words_alone_have_the_pieces_that_they_have_together(kind, words):
    tokenizer = tiny_tokenizer(kind)
    assert joined(tokenizer, words) == as_split_words(tokenizer, words)


@pytest.mark.parametrize("kind", ["bpe", "bpe_byte_fallback"])
@pytest.mark.parametrize("words", WORDS[::6])
def test_where_only_spaces_mark_words_every_word_has_one_before_it(kind, words):
    tokenizer = tiny_tokenizer(kind)
    text = " " + " ".join(words)
    assert joined(tokenizer, words) == tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_has_a_piece(kind):
    tokenizer = tiny_tokenizer(kind)
    words = ["\u200b", "\u200f", "\u00ad", "\x9d", " ", "", "\u0301", "नमस्ते", "𓀀"]
    assert all(word_pieces(tokenizer, words).values())


def test_a_word_that_tokenises_to_nothing_becomes_the_unknown_token():
    tokenizer = tiny_tokenizer("wordpiece")
    assert word_pieces(tokenizer, ["\u200b"]) == {"\u200b": [tokenizer.unk_token_id]}


@pytest.mark.parametrize("word", ["zzz", "</s>"])
def test_needs_an_unknown_token_for_a_word_without_ordinary_tokens(word):
    tokenizer = tiny_tokenizer("bpe")
    tokenizer.unk_token = None
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("zzz", "")
    tokenizer.backend_tokenizer.pre_tokenizer = None
    with pytest.raises(UnsupportedTokenizerError, match=f"word '{word}'"):
        word_pieces(tokenizer, [word])


def test_affixes_need_a_token_for_plain_text():
    tokenizer = tiny_tokenizer("bpe")
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("a", "")
    with pytest.raises(UnsupportedTokenizerError, match="word 'a'"):
        special_affixes(tokenizer)


@pytest.mark.parametrize("kind", KINDS)
def test_text_spells_no_special_token_but_the_unknown_one(kind):
    tokenizer = tiny_tokenizer(kind)
    names = tokenizer.all_special_tokens
    pieces = word_pieces(tokenizer, names)
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert not special & {piece for ids in pieces.values() for piece in ids}


def test_the_tokenizer_is_left_as_it_was():
    tokenizer = tiny_tokenizer("unigram")
    tokenizer.backend_tokenizer.enable_truncation(max_length=3)
    tokenizer.backend_tokenizer.enable_padding(length=8)
    before = tokenizer.backend_tokenizer.to_str()
    word_pieces(tokenizer, ["Dodoma", "<s>"])
    special_affixes(tokenizer)
    assert tokenizer.backend_tokenizer.to_str() == before


def test_truncation_in_the_tokenizer_file_cuts_no_word():
    tokenizer = tiny_tokenizer("unigram")
    whole = word_pieces(tokenizer, ["Mwalimu" * 5])
    tokenizer.backend_tokenizer.enable_truncation(max_length=3)
    assert word_pieces(tokenizer, ["Mwalimu" * 5]) == whole


def test_no_words_have_no_pieces():
    assert word_pieces(tiny_tokenizer("unigram"), []) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_affixes_are_what_the_tokenizer_puts_around_a_sentence(kind):
    tokenizer = tiny_tokenizer(kind)
    text = "Asha anaishi"
    before, after = special_affixes(tokenizer)
    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert before + bare + after == tokenizer(text)["input_ids"]
    assert (len(before), len(after)) == (1, 1)


def test_affixes_may_be_empty():
    tokenizer = tiny_tokenizer("unigram")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.eos_token_id)]
    )
    assert special_affixes(tokenizer) == ([], [tokenizer.eos_token_id])


def test_the_limit_is_the_smaller_of_the_tokenizers_and_ours():
    tokenizer = tiny_tokenizer("unigram")
    assert sequence_limit(tokenizer) == 128
    assert sequence_limit(tokenizer, 64) == 64
    tokenizer.model_max_length = int(1e30)
    assert sequence_limit(tokenizer) == 512


def test_room_for_words_is_what_special_tokens_leave():
    assert check_length(3, 2) == 1


def test_refuses_a_length_without_room_for_words():
    with pytest.raises(SequenceLengthError, match=r"2 tokens[\s\S]*more than the 2[\s\S]*of 3 to"):
        check_length(2, 2)


# --- windows -----------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60), st.integers(1, 15))
def test_windows_hold_every_word_once_in_order_and_fit(num_pieces, budget):
    windows = word_windows(num_pieces, budget)
    words = [word for first, size in windows for word in range(first, first + size)]
    assert words == list(range(len(num_pieces)))
    for first, size in windows:
        assert size >= 1
        assert size == 1 or sum(num_pieces[first : first + size]) <= budget


@given(st.lists(st.integers(1, 12), min_size=1, max_size=60), st.integers(1, 15))
def test_there_are_no_more_windows_than_needed(num_pieces, budget):
    least = 1
    used = 0
    for count in (min(count, budget) for count in num_pieces):
        if used + count > budget:
            least, used = least + 1, 0
        used += count
    assert len(word_windows(num_pieces, budget)) == least


def test_a_short_sentence_is_one_window():
    assert word_windows([2, 3, 1], budget=6) == [(0, 3)]


def test_windows_are_about_equally_long():
    assert word_windows([1] * 9, budget=8) == [(0, 5), (5, 4)]
