import io
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, normalizers, pre_tokenizers

from tests.parity import assert_parity
from tests.tiny import KINDS, TINY_TEXT, tiny_tokenizer
from tinyglot.data import token_counts
from tinyglot.data.text import TextSource
from tinyglot.data.token_counts import TokenCounter, count_tokens, encodes_word_by_word

WORD_KINDS = {"wordpiece": True, "unigram": True, "bpe": False, "bpe_byte_fallback": False}


def source_of(tmp_path, lines):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    return TextSource((path,))


def counts_line_by_line(tokenizer, lines):
    """The definition: encode each line, count the ids."""
    counts = np.zeros(len(tokenizer), np.int64)
    for line in lines:
        for token_id in tokenizer(line, add_special_tokens=False)["input_ids"]:
            counts[token_id] += 1
    return counts


@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_encoding_each_line(tmp_path, kind):
    tokenizer = tiny_tokenizer(kind)
    lines = [*TINY_TEXT, *TINY_TEXT[::2], "  two  spaces ", "tab\there", "no\u00a0break", "<s> a"]
    actual = count_tokens(tokenizer, source_of(tmp_path, lines))
    assert_parity(actual.counts, counts_line_by_line(tokenizer, lines))


AWKWARD = st.text(
    st.sampled_from("ab é\u0301\u200d\u0600\u00a0\u3000ºﾞ한漢\t.▁'ำᱥ👩🏽\x1c\u2028"), min_size=1
).filter(lambda text: not text.isspace())


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "unigram_nmt_nfkc"])
@given(lines=st.lists(AWKWARD, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_counting_by_words_is_exact_on_any_text(tmp_path_factory, kind, lines):
    tokenizer = word_tokenizer(kind)
    source = source_of(tmp_path_factory.mktemp("text"), lines)
    actual = count_tokens(tokenizer, source)
    assert_parity(actual.counts, counts_line_by_line(tokenizer, lines))


@cache
def word_tokenizer(kind):
    """Give a tokenizer that splits at spaces; the last one with XLM-R's own normaliser."""
    if kind != "unigram_nmt_nfkc":
        return tiny_tokenizer(kind)
    sentencepiece = pytest.importorskip("sentencepiece", reason="it has the normaliser's rules")
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g"] * 2),
        model_writer=model,
        vocab_size=12,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    rules = ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap
    tokenizer = tiny_tokenizer("unigram")
    tokenizer.backend_tokenizer.normalizer = normalizers.Precompiled(rules)
    return tokenizer


@pytest.mark.parametrize(("kind", "is_word_by_word"), WORD_KINDS.items())
def test_tokenizers_that_split_at_spaces_first_are_recognised(kind, is_word_by_word):
    assert encodes_word_by_word(tiny_tokenizer(kind).backend_tokenizer) is is_word_by_word


def first_word_differs(backend):
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])


def replaces_across_spaces(backend):
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Sequence([normalizers.Replace("a b", "ab")])]
    )


def adds_a_token_with_a_space(backend):
    backend.add_tokens([AddedToken("New York")])


def splits_nowhere(backend):
    backend.pre_tokenizer = None


@pytest.mark.parametrize(
    "change",
    [first_word_differs, replaces_across_spaces, adds_a_token_with_a_space, splits_nowhere],
)
def test_tokenizer_that_looks_across_spaces_is_not_counted_by_words(tmp_path, change):
    tokenizer = tiny_tokenizer("unigram")
    change(tokenizer.backend_tokenizer)
    assert not encodes_word_by_word(tokenizer.backend_tokenizer)
    lines = ["a b New York a b", "b a b", *TINY_TEXT]
    actual = count_tokens(tokenizer, source_of(tmp_path, lines))
    assert_parity(actual.counts, counts_line_by_line(tokenizer, lines))


def test_more_words_than_memory_holds_are_counted_alike(tmp_path, monkeypatch):
    tokenizer = tiny_tokenizer("unigram")
    lines = [f"{line} {number}" for number, line in enumerate(TINY_TEXT * 3)]
    source = source_of(tmp_path, lines)
    whole = count_tokens(tokenizer, source)
    monkeypatch.setattr(token_counts, "_WORDS_IN_MEMORY", 50)
    monkeypatch.setattr(token_counts, "_LINES_AT_A_TIME", 7)
    assert_parity(count_tokens(tokenizer, source).counts, whole.counts)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_totals_are_counted(tmp_path, kind):
    lines = ["Habari ya leo", "Habari 한  ", "é"]
    totals = count_tokens(tiny_tokenizer(kind), source_of(tmp_path, lines))
    assert (totals.num_lines, totals.num_words, totals.num_bytes) == (3, 6, 13 + 12 + 2)
    assert totals.num_tokens == totals.counts.sum()


def test_unknown_tokens_are_counted(tmp_path):
    tokenizer = tiny_tokenizer("wordpiece")
    totals = count_tokens(tokenizer, source_of(tmp_path, ["ᱥᱟ Habari ᱥ", "a"]))
    assert totals.num_unknown == totals.counts[tokenizer.unk_token_id] == 2
    assert totals.unk_rate == 2 / totals.num_tokens


def test_fertility_is_tokens_per_word(tmp_path):
    totals = count_tokens(tiny_tokenizer("bpe"), source_of(tmp_path, ["xqz xqz"]))
    assert (totals.num_tokens, totals.fertility) == (7, 3.5)  # x q z Ġ x q z


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_lines_that_come_bit_by_bit_are_counted_as_one_text(tmp_path, kind):
    tokenizer = tiny_tokenizer(kind)
    whole = count_tokens(tokenizer, source_of(tmp_path, TINY_TEXT))
    counter = TokenCounter(tokenizer)
    counter.add(TINY_TEXT[:7])
    assert 0 < counter.result().num_tokens < whole.num_tokens
    counter.add(TINY_TEXT[7:])
    both = counter.result()
    assert_parity(both.counts, whole.counts)
    assert (both.num_lines, both.num_words) == (whole.num_lines, whole.num_words)
    assert (both.num_tokens, both.num_unknown) == (whole.num_tokens, whole.num_unknown)
    assert both.num_bytes == whole.num_bytes


def test_counts_of_two_texts_add_up(tmp_path):
    tokenizer = tiny_tokenizer("unigram")
    first, second, whole = (
        count_tokens(tokenizer, source_of(tmp_path, lines))
        for lines in (TINY_TEXT[:20], TINY_TEXT[20:], TINY_TEXT)
    )
    both = first + second
    assert_parity(both.counts, whole.counts)
    assert (both.num_lines, both.num_words) == (whole.num_lines, whole.num_words)
    assert (both.num_tokens, both.num_unknown) == (whole.num_tokens, whole.num_unknown)
    assert both.num_bytes == whole.num_bytes


def test_no_line_counts_as_zeros():
    totals = TokenCounter(tiny_tokenizer("bpe")).result()
    assert (totals.num_lines, totals.counts.sum(), totals.fertility, totals.unk_rate) == (0,) * 4


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_truncation_and_padding_are_off_and_come_back(tmp_path, kind):
    tokenizer = tiny_tokenizer(kind)
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(4, stride=1, direction="left")
    backend.enable_padding(length=9, pad_id=1, pad_token="<pad>")
    before = (backend.truncation, backend.padding)
    totals = count_tokens(tokenizer, source_of(tmp_path, TINY_TEXT))
    assert (backend.truncation, backend.padding) == before
    backend.no_truncation()
    backend.no_padding()
    assert_parity(totals.counts, counts_line_by_line(tokenizer, TINY_TEXT))


def test_added_tokens_have_their_place(tmp_path):
    tokenizer = tiny_tokenizer("unigram")
    tokenizer.add_tokens(["@@sw@@"])
    totals = count_tokens(tokenizer, source_of(tmp_path, ["x @@sw@@ y@@sw@@"]))
    assert totals.counts.shape == (len(tokenizer),)
    assert totals.counts[tokenizer.convert_tokens_to_ids("@@sw@@")] == 2


def test_counts_are_whole_numbers(tmp_path):
    totals = count_tokens(tiny_tokenizer("unigram"), source_of(tmp_path, TINY_TEXT))
    assert torch.from_numpy(totals.counts).dtype == torch.int64
