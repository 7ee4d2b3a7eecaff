"""What a set of tokens cannot do without."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.tokenizers.zoo import ZOO, zoo_tokenizer
from tinyglot.tokenizers import close_token_ids, token_closure, tokenizer_kind

BPE = [name for name in ZOO if tokenizer_kind(zoo_tokenizer(name)) == "bpe"]
quick = settings(max_examples=30, deadline=None)


def bpe(tokens, merges, **options):
    vocab = {token: token_id for token_id, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab, merges, unk_token=tokens[0], **options))
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token=tokens[0])


def closed(tokenizer, *tokens):
    ids = tokenizer.convert_tokens_to_ids(list(tokens))
    return set(tokenizer.convert_ids_to_tokens(sorted(close_token_ids(tokenizer, ids))))


def test_bpe_keeps_everything_that_a_token_passes_through():
    tokenizer = bpe(
        ["?", "a", "b", "c", "d", "ab", "cd", "abcd", "bc"],
        [("a", "b"), ("b", "c"), ("c", "d"), ("ab", "cd")],
    )
    assert closed(tokenizer, "abcd") == {"a", "b", "c", "d", "ab", "cd", "abcd"}


def test_of_several_merges_only_the_one_that_happens_counts():
    # "abc" could be a+bc or ab+c; b+c comes first, so "ab" is never made on the way
    tokenizer = bpe(
        ["?", "a", "b", "c", "bc", "ab", "abc"],
        [("b", "c"), ("a", "b"), ("ab", "c"), ("a", "bc")],
    )
    assert tokenizer.tokenize("abc") == ["abc"]
    assert closed(tokenizer, "abc") == {"a", "b", "c", "bc", "abc"}


def test_the_leftmost_of_equal_pairs_is_merged_first():
    # aaa -> aa+a, so "aaa" needs the merge (aa, a); (a, aa) would never apply
    tokenizer = bpe(["?", "a", "aa", "aaa"], [("a", "a"), ("a", "aa"), ("aa", "a")])
    assert tokenizer.tokenize("aaa") == ["aaa"]
    assert closed(tokenizer, "aaa") == {"a", "aa", "aaa"}


def test_a_token_that_merging_never_reaches_needs_nothing():
    tokenizer = bpe(["?", "a", "b", "c", "abc", "bc"], [("b", "c")])
    assert tokenizer.tokenize("abc") == ["a", "bc"]
    assert closed(tokenizer, "abc") == {"abc"}


def test_word_end_marks_are_part_of_the_last_symbol():
    tokenizer = bpe(["?", "a", "b", "b</w>", "ab</w>"], [("a", "b</w>")], end_of_word_suffix="</w>")
    assert tokenizer.tokenize("ab") == ["ab</w>"]
    assert closed(tokenizer, "ab</w>") == {"a", "b</w>", "ab</w>"}


def test_inside_marks_are_part_of_all_symbols_but_the_first():
    tokenizer = bpe(
        ["?", "a", "##b", "##c", "##bc", "abc"],
        [("##b", "##c"), ("a", "##bc")],
        continuing_subword_prefix="##",
    )
    assert tokenizer.tokenize("abc") == ["abc"]
    assert closed(tokenizer, "abc") == {"a", "##b", "##c", "##bc", "abc"}
    assert closed(tokenizer, "##bc") == {"##b", "##c", "##bc"}


def test_wordpiece_needs_nothing():
    tokenizer = zoo_tokenizer("bert_cased")
    assert close_token_ids(tokenizer, [900, 7]) == {7, 900}


def test_unigram_needs_nothing():
    tokenizer = zoo_tokenizer("xlm_roberta")
    assert close_token_ids(tokenizer, [800, 7]) == {7, 800}


def test_a_hidden_unigram_piece_needs_the_one_that_hides_it():
    # CamemBERT lists "<unk>" twice
    vocab = [("<unk>", 0.0), ("a", -1.0), ("b", -3.0), ("a", -2.0)]
    inner = Tokenizer(models.Unigram(vocab, unk_id=0))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    assert tokenizer("a").input_ids == [3]
    assert close_token_ids(tokenizer, [0, 1]) == {0, 1, 3}
    assert close_token_ids(tokenizer, [0, 3]) == {0, 3}


@pytest.mark.parametrize("name", BPE)
@quick
@given(data=st.data())
def test_closing_is_idempotent_and_grows_with_the_set(name, data):
    tokenizer = zoo_tokenizer(name)
    ids = st.sets(st.integers(0, len(tokenizer) - 1), max_size=40)
    few, more = data.draw(ids), data.draw(ids)
    close = token_closure(tokenizer)
    assert few <= close(few) == close(close(few)) <= close(few | more)


@pytest.mark.parametrize("name", BPE)
def test_one_closure_for_many_sets_gives_what_single_calls_give(name):
    tokenizer = zoo_tokenizer(name)
    close = token_closure(tokenizer)
    sets = [range(0, len(tokenizer), step) for step in (7, 3, 7)]
    assert [close(ids) for ids in sets] == [close_token_ids(tokenizer, ids) for ids in sets]


@pytest.mark.parametrize("name", BPE)
def test_closing_is_needed(name):
    """Negative control: the tokenizers here do have tokens that are made from others."""
    tokenizer = zoo_tokenizer(name)
    some = set(range(0, len(tokenizer), 3))
    assert len(close_token_ids(tokenizer, some)) > len(some)
