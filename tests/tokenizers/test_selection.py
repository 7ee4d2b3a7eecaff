"""Which tokens must stay, and which are characters of a script."""

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.tokenizers.zoo import BYTES, ZOO, zoo_tokenizer
from tinyglot.errors import UnknownScriptError, UnsupportedTokenizerError
from tinyglot.tokenizers import (
    character_token_ids,
    required_token_ids,
    tokenizer_kind,
    unknown_token_ids,
)
from tinyglot.tokenizers.required import read_post_processor


def tokens_of(tokenizer, ids):
    return set(tokenizer.convert_ids_to_tokens(sorted(ids)))


def wordpiece(*tokens):
    vocab = {token: token_id for token_id, token in enumerate(["[UNK]", *tokens])}
    inner = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")


def unigram(*pieces):
    vocab = [("<unk>", 0.0), *pieces]
    inner = Tokenizer(models.Unigram(vocab, unk_id=0))
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")


# --- kind --------------------------------------------------------------------------------------


def test_the_algorithm_is_named():
    kinds = {name: tokenizer_kind(zoo_tokenizer(name)) for name in ZOO}
    assert {kinds["bert_cased"], kinds["distilbert_cased"]} == {"wordpiece"}
    assert {kinds["xlm_roberta"], kinds["deberta_v2"]} == {"unigram"}
    assert {kinds["roberta"], kinds["gemma_like"], kinds["clip_like_bpe"]} == {"bpe"}


def test_word_level_is_not_supported():
    inner = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
    with pytest.raises(UnsupportedTokenizerError, match=r"algorithm[\s\S]*WordLevel[\s\S]*Unigram"):
        tokenizer_kind(tokenizer)


def test_a_python_tokenizer_is_not_supported():
    from transformers import ByT5Tokenizer

    with pytest.raises(UnsupportedTokenizerError, match=r"algorithm[\s\S]*ByT5Tokenizer"):
        tokenizer_kind(ByT5Tokenizer())


class Shouting:
    """A pre-tokenizer in Python."""

    def pre_tokenize(self, text):
        text.split(lambda _, normalized: [normalized])


def test_a_part_in_python_is_not_supported():
    tokenizer = wordpiece("a")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(Shouting())
    with pytest.raises(UnsupportedTokenizerError, match=r"cannot be written[\s\S]*Python"):
        required_token_ids(tokenizer)


def test_a_post_processor_of_an_unknown_kind_is_not_supported():
    state = {"post_processor": {"type": "Bracketing", "ids": [1, 2]}}
    with pytest.raises(UnsupportedTokenizerError, match=r"unknown form[\s\S]*Bracketing"):
        read_post_processor(state)


# --- required ----------------------------------------------------------------------------------


def test_special_and_added_tokens_are_required():
    tokenizer = wordpiece("a", "b", "[CLS]", "[SEP]")
    tokenizer.add_special_tokens({"cls_token": "[CLS]"})
    tokenizer.add_tokens([AddedToken("New York")])
    assert tokens_of(tokenizer, required_token_ids(tokenizer)) == {"[UNK]", "[CLS]", "New York"}


def test_tokens_that_the_post_processor_adds_are_required():
    from tokenizers.processors import TemplateProcessing

    tokenizer = wordpiece("a", "start", "end")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="start $A end", special_tokens=[("start", 2), ("end", 3)]
    )
    assert tokens_of(tokenizer, required_token_ids(tokenizer)) == {"[UNK]", "start", "end"}


def test_byte_tokens_are_required_where_unknown_text_becomes_bytes():
    for name in ("byte_fallback_bpe", "gemma_like", "unigram_byte_fallback"):
        tokenizer = zoo_tokenizer(name)
        assert tokens_of(tokenizer, required_token_ids(tokenizer)) >= set(BYTES)


def test_the_alphabet_is_required_where_text_becomes_bytes():
    tokenizer = zoo_tokenizer("roberta")
    required = tokens_of(tokenizer, required_token_ids(tokenizer))
    assert required == {"<s>", "<pad>", "</s>", "<unk>", "<mask>"}.union(
        pre_tokenizers.ByteLevel.alphabet()
    )


def test_the_piece_with_the_lowest_score_is_required():
    tokenizer = unigram(("a", -1.0), ("b", -7.5), ("c", -7.5), ("d", -2.0))
    assert tokens_of(tokenizer, required_token_ids(tokenizer)) == {"<unk>", "b"}


def test_without_the_lowest_piece_unknown_characters_would_cost_less():
    """Why it is required: the same kept pieces would be chosen otherwise."""
    pieces = [("a", -20.0), ("b¿c", -20.0), ("d", -20.0), ("ab", -0.5), ("cd", -0.5)]
    # unknown: -110, so ab+?+cd costs 111 and a+b¿c+d 60
    complete = unigram(*pieces, ("rare", -100.0))
    assert complete.tokenize("ab¿cd") == ["a", "b¿c", "d"]
    # unknown: -30, so ab+?+cd costs 31
    assert unigram(*pieces).tokenize("ab¿cd") == ["ab", "¿", "cd"]
    lowest = complete.convert_tokens_to_ids("rare")
    assert lowest in required_token_ids(complete)


# --- unknown -----------------------------------------------------------------------------------


def unknown_tokens(name, text):
    tokenizer = zoo_tokenizer(name)
    unknown = unknown_token_ids(tokenizer)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return tokenizer.convert_ids_to_tokens([i for i in ids if i in unknown])


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("bert_cased", ["[UNK]"]),
        ("xlm_roberta", ["<unk>"]),
        ("clip_like_bpe", ["<unk>"]),
        ("byte_fallback_bpe", ["<0xE1>", "<0xB1>", "<0x9F>"]),
        ("unigram_byte_fallback", ["<0xE1>", "<0xB1>", "<0x9F>"]),
        ("roberta", ["á", "±", "Ł"]),
    ],
)
def test_a_letter_without_a_piece_becomes_unknown_tokens(name, tokens):
    assert unknown_tokens(name, "ᱟ") == tokens


@pytest.mark.parametrize("name", ["bert_cased", "xlm_roberta", "byte_fallback_bpe", "roberta"])
def test_plain_text_has_no_unknown_token(name):
    assert unknown_tokens(name, "watoto wanasoma kitabu.") == []


# --- characters --------------------------------------------------------------------------------


def test_wordpiece_characters_count_at_the_beginning_and_inside_of_words():
    tokenizer = wordpiece("é", "##é", "éb", "##éb", "ж", "##ж", "7", "##7", "##")
    found = tokens_of(tokenizer, character_token_ids(tokenizer, ["Latn"]))
    assert found == {"é", "##é", "7", "##7"}


def test_unigram_characters_count_with_and_without_the_word_marker():
    tokenizer = unigram(*[(p, -1.0) for p in ("▁", "é", "▁é", "▁éb", "ж", "▁ж", "▁7", "▁▁")])
    found = tokens_of(tokenizer, character_token_ids(tokenizer, ["Cyrl"]))
    assert found == {"▁", "ж", "▁ж", "▁7"}


def test_shared_characters_are_digits_punctuation_marks_joiners_signs_and_basic_letters():
    shared = ["a", "Z", "5", "?", "—", "\u0301", "\u200d", "\u200c", "+", "€", "ʻ", "\ufe0f"]
    others = ["😀", "●", "\x07", "\ue000", "é", "क", "。"]
    tokenizer = wordpiece(*shared, *others)
    found = tokens_of(tokenizer, character_token_ids(tokenizer, []))
    assert found == set(shared)


def test_several_scripts_are_united():
    tokenizer = wordpiece("é", "か", "カ", "漢", "한", "क", "。")
    assert tokens_of(tokenizer, character_token_ids(tokenizer, ["Jpan"])) == {
        "か",
        "カ",
        "漢",
        "。",
    }
    both = tokens_of(tokenizer, character_token_ids(tokenizer, ["Deva", "Kore"]))
    assert both >= {"क", "漢", "한"}
    assert both.isdisjoint({"é", "か", "カ"})


def test_byte_level_has_all_bytes_and_what_spells_one_character():
    tokenizer = zoo_tokenizer("roberta")
    found = tokens_of(tokenizer, character_token_ids(tokenizer, ["Cyrl"]))
    assert found >= set(pre_tokenizers.ByteLevel.alphabet())
    longer = {token for token in found if len(token) > 1}
    spelled = {tokenizer.convert_tokens_to_string([token]).strip() for token in longer}
    assert spelled >= set("аеинор")
    assert all(len(text) == 1 for text in spelled)


def test_marks_of_the_ends_of_words_are_no_part_of_the_character():
    tokenizer = zoo_tokenizer("clip_like_bpe")
    found = tokens_of(tokenizer, character_token_ids(tokenizer, ["Geor"]))
    assert {"ა", "ა</w>", ".", "a</w>"} <= found
    assert found.isdisjoint({"é", "é</w>"})


def test_an_unknown_script_is_refused():
    with pytest.raises(UnknownScriptError, match="Xxxx"):
        character_token_ids(wordpiece("a"), ["Xxxx"])
