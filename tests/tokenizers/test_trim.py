"""Trimmed tokenizers: which ids they have, and what they refuse."""

import json

import pytest
from skeletoken import TokenizerModel
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.tiny import TINY_TEXT
from tests.tokenizers.zoo import ZOO, zoo_tokenizer
from tinyglot.errors import TokenIdRangeError, UnsupportedTokenizerError
from tinyglot.tokenizers import close_token_ids, required_token_ids, trim_tokenizer

every_tokenizer = pytest.mark.parametrize("name", ZOO)


def kept_for(tokenizer, texts):
    used = {token_id for ids in tokenizer(texts).input_ids for token_id in ids}
    return sorted(close_token_ids(tokenizer, used | required_token_ids(tokenizer)))


def state_of(tokenizer):
    return json.loads(tokenizer.backend_tokenizer.to_str())


@every_tokenizer
def test_token_i_is_the_old_token_kept_i(name):
    tokenizer = zoo_tokenizer(name)
    kept = kept_for(tokenizer, TINY_TEXT[:12])
    trimmed = trim_tokenizer(tokenizer, kept)
    assert len(trimmed) == len(kept) < len(tokenizer)
    new_ids = range(len(kept))
    assert trimmed.convert_ids_to_tokens(new_ids) == tokenizer.convert_ids_to_tokens(kept)


@every_tokenizer
def test_the_input_is_not_changed(name):
    tokenizer = zoo_tokenizer(name)
    before = state_of(tokenizer), dict(tokenizer.init_kwargs), type(tokenizer)
    trim_tokenizer(tokenizer, kept_for(tokenizer, TINY_TEXT[:3]))
    assert (state_of(tokenizer), dict(tokenizer.init_kwargs), type(tokenizer)) == before


@every_tokenizer
def test_keeping_every_token_changes_nothing(name):
    tokenizer = zoo_tokenizer(name)
    trimmed = trim_tokenizer(tokenizer, range(len(tokenizer)))
    assert trimmed.get_vocab() == tokenizer.get_vocab()
    assert trimmed(TINY_TEXT).input_ids == tokenizer(TINY_TEXT).input_ids


@every_tokenizer
def test_special_tokens_and_settings_survive(name):
    tokenizer = zoo_tokenizer(name)
    trimmed = trim_tokenizer(tokenizer, kept_for(tokenizer, TINY_TEXT[:3]))
    assert trimmed.special_tokens_map == tokenizer.special_tokens_map
    assert trimmed.extra_special_tokens == tokenizer.extra_special_tokens
    assert trimmed.model_max_length == tokenizer.model_max_length
    assert trimmed.model_input_names == tokenizer.model_input_names
    assert trimmed.padding_side == tokenizer.padding_side


@every_tokenizer
def test_pairs_keep_their_special_tokens_and_type_ids(name):
    tokenizer = zoo_tokenizer(name)
    texts = TINY_TEXT[:2]
    kept = kept_for(tokenizer, texts)
    old = tokenizer(*texts, return_token_type_ids=True)
    new = trim_tokenizer(tokenizer, kept)(*texts, return_token_type_ids=True)
    assert [kept[i] for i in new.input_ids] == old.input_ids
    assert new.token_type_ids == old.token_type_ids


@every_tokenizer
def test_trimming_in_two_steps_is_trimming_in_one(name):
    tokenizer = zoo_tokenizer(name)
    many, few = kept_for(tokenizer, TINY_TEXT[:30]), kept_for(tokenizer, TINY_TEXT[:10])
    assert set(few) < set(many)
    in_one = trim_tokenizer(tokenizer, few)
    place = {old: new for new, old in enumerate(many)}
    in_two = trim_tokenizer(trim_tokenizer(tokenizer, many), [place[old] for old in few])
    assert state_of(in_two) == state_of(in_one)


@pytest.mark.parametrize("name", ["bert_cased", "xlm_roberta", "roberta", "gemma_like"])
def test_any_order_of_the_models_own_tokens_is_possible(name):
    tokenizer = zoo_tokenizer(name)
    ordered = kept_for(tokenizer, TINY_TEXT[:5])
    backward = ordered[::-1]
    if name == "gemma_like":  # two added tokens are not in the model's vocabulary
        backward = [*ordered[:-2][::-1], *ordered[-2:]]
    trimmed = trim_tokenizer(tokenizer, backward)
    new_ids = trimmed(TINY_TEXT[:5]).input_ids
    old_ids = tokenizer(TINY_TEXT[:5]).input_ids
    assert [[backward[i] for i in ids] for ids in new_ids] == old_ids


# --- what moves inside tokenizer.json, worked out by hand -----------------------------------------


def wordpiece_of_six():
    vocab = {"[UNK]": 0, "a": 1, "b": 2, "##b": 3, "[SEP]": 4, "[CLS]": 5}
    inner = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=7))
    inner.add_special_tokens(["[UNK]", "[SEP]", "[CLS]"])
    return inner


def test_ids_of_bert_processing_move():
    from tokenizers.processors import BertProcessing

    inner = wordpiece_of_six()
    inner.post_processor = BertProcessing(("[SEP]", 4), ("[CLS]", 5))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    processor = state_of(trim_tokenizer(tokenizer, [0, 3, 4, 5]))["post_processor"]
    assert processor == {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 3]}


def test_ids_of_roberta_processing_move():
    from tokenizers.processors import RobertaProcessing

    inner = wordpiece_of_six()
    inner.post_processor = RobertaProcessing(("[SEP]", 4), ("[CLS]", 5), add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    processor = state_of(trim_tokenizer(tokenizer, [5, 4, 0]))["post_processor"]
    assert (processor["cls"], processor["sep"]) == (["[CLS]", 0], ["[SEP]", 1])
    assert processor["add_prefix_space"] is False


def test_ids_of_a_template_inside_a_sequence_move():
    tokenizer = zoo_tokenizer("unigram_byte_fallback")
    old_id = tokenizer.convert_tokens_to_ids("</s>")
    kept = sorted(required_token_ids(tokenizer))
    processor = state_of(trim_tokenizer(tokenizer, kept))["post_processor"]
    ids = processor["processors"][0]["special_tokens"]["</s>"]["ids"]
    assert ids == [kept.index(old_id)] != [old_id]


def test_the_longest_word_stays_as_it_was():
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=wordpiece_of_six(), unk_token="[UNK]")
    trimmed = trim_tokenizer(tokenizer, [0, 2, 3, 4, 5])
    assert state_of(trimmed)["model"]["max_input_chars_per_word"] == 7
    assert trimmed.tokenize("bbbbbbb") == ["b", *["##b"] * 6]
    assert trimmed.tokenize("bbbbbbbb") == ["[UNK]"]


def test_the_unknown_piece_is_found_at_its_new_place():
    tokenizer = zoo_tokenizer("unigram_byte_fallback")
    kept = sorted(required_token_ids(tokenizer))
    model = state_of(trim_tokenizer(tokenizer, kept))["model"]
    assert model["vocab"][model["unk_id"]][0] == "<unk>"
    assert model["unk_id"] == kept.index(306) != 306


def test_merges_of_removed_tokens_go():
    vocab = {"<unk>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "bc": 5}
    inner = Tokenizer(models.BPE(vocab, [("a", "b"), ("b", "c")], unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    assert state_of(trim_tokenizer(tokenizer, [0, 1, 2, 4]))["model"]["merges"] == [["a", "b"]]


def test_flags_of_added_tokens_survive():
    tokenizer = zoo_tokenizer("gemma_like")
    trimmed = trim_tokenizer(tokenizer, sorted(required_token_ids(tokenizer)))
    old, new = state_of(tokenizer)["added_tokens"], state_of(trimmed)["added_tokens"]
    assert [{**token, "id": 0} for token in new] == [{**token, "id": 0} for token in old]
    assert [token["id"] for token in new][-2:] == [len(trimmed) - 2, len(trimmed) - 1]


def test_wordpiece_may_find_pieces_where_it_gave_up_before():
    # "ab" was the longest match, but nothing follows it
    vocab = {"[UNK]": 0, "a": 1, "ab": 2, "##bc": 3}
    inner = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    assert tokenizer.tokenize("abc") == ["[UNK]"]
    assert trim_tokenizer(tokenizer, [0, 1, 3]).tokenize("abc") == ["a", "##bc"]


def test_truncation_of_the_last_call_is_forgotten():
    tokenizer = zoo_tokenizer("xlm_roberta")
    kept = kept_for(tokenizer, TINY_TEXT[:2])
    tokenizer(TINY_TEXT[:2], truncation=True, max_length=4, padding=True)
    trimmed = trim_tokenizer(tokenizer, kept)
    state = state_of(trimmed)
    assert (state["truncation"], state["padding"]) == (None, None)
    assert len(trimmed.backend_tokenizer.encode(TINY_TEXT[0]).ids) > 4


# --- parity ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bert_cased", "xlm_roberta", "roberta", "byte_fallback_bpe"])
def test_parity_with_skeletoken(name):
    """Where skeletoken can do the same (ascending ids, the unknown token before all removed)."""
    tokenizer = zoo_tokenizer(name)
    kept = set(kept_for(tokenizer, TINY_TEXT[:20]))
    peer = TokenizerModel.from_string(tokenizer.backend_tokenizer.to_str())
    removed = [token for token, token_id in tokenizer.get_vocab().items() if token_id not in kept]
    expected = json.loads(peer.remove_tokens_from_vocabulary(removed).to_tokenizer().to_str())
    actual = state_of(trim_tokenizer(tokenizer, sorted(kept)))
    for part in ("model", "post_processor", "normalizer", "pre_tokenizer", "decoder"):
        assert actual[part] == expected[part]


# --- refusals ----------------------------------------------------------------------------------


def test_an_id_outside_the_vocabulary_is_refused():
    tokenizer = zoo_tokenizer("xlm_roberta")
    kept = [*required_token_ids(tokenizer), 99_999]
    with pytest.raises(TokenIdRangeError, match=r"1 token id[\s\S]*99999[\s\S]*\[0, 883\)"):
        trim_tokenizer(tokenizer, kept)


def test_a_negative_id_is_refused():
    tokenizer = zoo_tokenizer("bert_cased")
    with pytest.raises(TokenIdRangeError, match=r"not in the vocabulary[\s\S]*token id -1"):
        trim_tokenizer(tokenizer, [0, 1, 2, 3, 4, -1])


def test_a_repeated_id_is_refused():
    tokenizer = zoo_tokenizer("bert_cased")
    with pytest.raises(TokenIdRangeError, match=r"more than once[\s\S]*token id 7"):
        trim_tokenizer(tokenizer, [0, 1, 2, 3, 4, 7, 7])


def test_a_missing_special_token_is_refused():
    tokenizer = zoo_tokenizer("bert_cased")
    with pytest.raises(TokenIdRangeError, match=r"cannot do without[\s\S]*no token id 3 .*SEP"):
        trim_tokenizer(tokenizer, [0, 1, 2, 4])


def test_a_missing_merge_parent_is_refused():
    tokenizer = zoo_tokenizer("roberta")
    longest = max(range(5, len(tokenizer)), key=lambda i: len(tokenizer.convert_ids_to_tokens(i)))
    with pytest.raises(TokenIdRangeError, match=r"made from them[\s\S]*close_token_ids"):
        trim_tokenizer(tokenizer, sorted({longest, *required_token_ids(tokenizer)}))


def test_an_added_token_before_the_models_own_is_refused():
    tokenizer = zoo_tokenizer("gemma_like")
    kept = sorted(required_token_ids(tokenizer))
    with pytest.raises(TokenIdRangeError, match=r"this order[\s\S]*token id \d+ at place 0"):
        trim_tokenizer(tokenizer, [*kept[-2:], *kept[:-2]])


def test_equal_pieces_in_another_order_are_refused():
    # the second "a" hides the first; behind it, the first would hide the second
    vocab = [("<unk>", 0.0), ("a", -1.0), ("b", -3.0), ("a", -2.0)]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.Unigram(vocab, unk_id=0)), unk_token="<unk>"
    )
    with pytest.raises(TokenIdRangeError, match=r"this order[\s\S]*token id 1 at place 3"):
        trim_tokenizer(tokenizer, [0, 2, 3, 1])


@pytest.mark.parametrize(
    "model",
    [models.BPE({"a": 0, "b": 1}, []), models.Unigram([("a", -1.0), ("b", -2.0)])],
    ids=["bpe", "unigram"],
)
def test_a_tokenizer_without_unknown_token_is_refused(model):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(model))
    with pytest.raises(UnsupportedTokenizerError, match=r"does not know[\s\S]*no byte fallback"):
        trim_tokenizer(tokenizer, [0])
