"""The promise: text whose tokens are all kept gives the same pieces, for all texts and all sets."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.real_data import real_data
from tests.tiny import TINY_TEXT
from tests.tokenizers.zoo import ZOO, zoo_tokenizer
from tinyglot.languages.scripts import is_of_script, script_of
from tinyglot.tokenizers import (
    HARD_SAMPLES,
    character_token_ids,
    close_token_ids,
    load_tokenizer,
    required_token_ids,
    tokenizer_kind,
    trim_tokenizer,
)

every_tokenizer = pytest.mark.parametrize("name", ZOO)
thorough = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

LINES = [*TINY_TEXT, *HARD_SAMPLES]
WORDS = sorted({word for line in LINES for word in line.split()})
# words of all scripts, single letters of them, letters that no tokenizer here has seen, long runs
FRAGMENTS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(sorted(set("".join(LINES)))),
    st.sampled_from(["ꙮ", "𓀀", "￼", "ꙮꙮ", "Ωꙮω", "ab", "aaa", "......", " ", "\n\n"]),
    st.text(alphabet="aniklmotu", min_size=1, max_size=12),
)
TEXTS = st.lists(FRAGMENTS, min_size=1, max_size=12).map(
    lambda parts: "".join(part if i % 3 else f" {part}" for i, part in enumerate(parts))
)


def encode(tokenizer, texts):
    return tokenizer(texts, verbose=False).input_ids


def assert_same_pieces(tokenizer, kept, texts):
    """Compare the texts whose tokens are all kept; give their number."""
    trimmed, kept_set, compared = trim_tokenizer(tokenizer, kept), set(kept), 0
    gives_up = tokenizer.unk_token_id if tokenizer_kind(tokenizer) == "wordpiece" else None
    for text, old, new in zip(texts, encode(tokenizer, texts), encode(trimmed, texts), strict=True):
        if kept_set.issuperset(old) and gives_up not in old:
            assert [kept[i] for i in new] == old, text
            compared += 1
    return compared


@every_tokenizer
@thorough
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6), lines=st.sets(st.sampled_from(LINES), max_size=8)
)
def test_text_whose_tokens_are_kept_gives_the_same_pieces(name, texts, lines):
    tokenizer = zoo_tokenizer(name)
    used = {i for ids in encode(tokenizer, [*texts, *lines]) for i in ids}
    kept = sorted(close_token_ids(tokenizer, used | required_token_ids(tokenizer)))
    compared = assert_same_pieces(tokenizer, kept, [*texts, *lines])
    assert compared == len(texts) + len(lines) or tokenizer_kind(tokenizer) == "wordpiece"


@every_tokenizer
@thorough
@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 2**32), texts=st.lists(TEXTS, max_size=30))
def test_random_sets_of_tokens_give_the_same_pieces(name, share, seed, texts):
    tokenizer = zoo_tokenizer(name)
    chosen = np.flatnonzero(np.random.default_rng(seed).random(len(tokenizer)) < share)
    kept = sorted(close_token_ids(tokenizer, {*chosen.tolist(), *required_token_ids(tokenizer)}))
    words = WORDS[seed % 4 :: 4]
    assume(assert_same_pieces(tokenizer, kept, [*texts, *words]) > 0)


@pytest.mark.parametrize("name", ["bert_cased", "bert_uncased", "distilbert_cased"])
@thorough
@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
def test_a_word_that_wordpiece_gave_up_on_is_unknown_or_found(name, texts):
    """The exception that `trim_tokenizer` documents: nothing else in the text changes."""
    tokenizer = zoo_tokenizer(name)
    used = {i for ids in encode(tokenizer, texts) for i in ids}
    kept = sorted(used | required_token_ids(tokenizer))
    trimmed = trim_tokenizer(tokenizer, kept)
    for text in texts:
        old, new = tokenizer(text, verbose=False), trimmed(text, verbose=False)
        for word, ids in pieces_by_word(old).items():
            found = [kept[i] for i in pieces_by_word(new)[word]]
            assert found == ids or ids == [tokenizer.unk_token_id]


def pieces_by_word(encoded):
    pieces = {}
    for token_id, word in zip(encoded.input_ids, encoded.word_ids(), strict=True):
        pieces.setdefault(word, []).append(token_id)
    return pieces


@pytest.mark.parametrize("script", ["Latn", "Deva", "Arab", "Ethi", "Jpan", "Thai"])
@every_tokenizer
def test_lines_of_a_kept_script_have_no_more_unknown_tokens(name, script):
    tokenizer = zoo_tokenizer(name)
    letters = character_token_ids(tokenizer, [script])
    kept = sorted(close_token_ids(tokenizer, letters | required_token_ids(tokenizer)))
    trimmed = trim_tokenizer(tokenizer, kept)
    lines = [line for line in TINY_TEXT if is_written_in(line, script)]
    assert len(lines) >= 2
    for line, old, new in zip(lines, encode(tokenizer, lines), encode(trimmed, lines), strict=True):
        assert new.count(trimmed.unk_token_id) <= old.count(tokenizer.unk_token_id), line


def is_written_in(line, script):
    return all(is_of_script(c, script) or script_of(c) in {"Zyyy", "Zinh"} for c in line)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["sw", "am", "mt", "ur", "te"])
def test_the_bundled_tokenizer_is_exact_on_real_text(language):
    from tinyglot.checkpoints import bundled_path

    tokenizer = load_tokenizer(bundled_path("multilingual-e5-small"))
    files = sorted(real_data(f"text/{language}").glob("*.txt"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()[:2000]]
    used = {i for ids in encode(tokenizer, lines) for i in ids}
    kept = sorted(used | required_token_ids(tokenizer))
    assert assert_same_pieces(tokenizer, kept, lines) == len(lines) > 1000
