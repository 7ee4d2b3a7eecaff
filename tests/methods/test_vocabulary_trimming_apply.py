"""The promise: text whose tokens are all kept is split and computed as before, bit for bit."""

from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertTokenizer

from tests.methods.trimming import LINES, plan_of, trim, write_context
from tests.parity import assert_parity
from tests.tiny import FAMILIES, KINDS, TINY_TEXT, tiny_pair
from tests.tokenizers.zoo import ZOO, zoo_tokenizer
from tinyglot.architectures import view
from tinyglot.checkpoints import save_checkpoint
from tinyglot.errors import ParityError
from tinyglot.methods.vocabulary_trimming import METHOD
from tinyglot.methods.vocabulary_trimming.verify import verify_hidden_states, verify_pieces
from tinyglot.surgery import gather_vocabulary
from tinyglot.tokenizers import close_token_ids, required_token_ids, trim_tokenizer

every_pair = pytest.mark.parametrize(
    ("family", "kind"), [(family, kind) for family in FAMILIES for kind in KINDS]
)
MAX_LENGTH = 100
SCRIPTS = ["swh-Latn", "amh-Ethi", "hin-Deva", "jpn-Jpan"]


@cache
def masked_lm(family, kind):
    return tiny_pair(family, kind, "masked_lm")


def ids_of(tokenizer, text) -> list[int]:
    return tokenizer(text, verbose=False)["input_ids"]


def gives_up_on(tokenizer) -> set[int]:
    """WordPiece may find pieces, after trimming, for a word that was unknown before."""
    return {tokenizer.unk_token_id} if "[UNK]" in tokenizer.get_vocab() else set()


def kept_lines(tokenizer, plan) -> list[str]:
    kept = set(plan.kept_token_ids) - gives_up_on(tokenizer)
    return [line for line in TINY_TEXT if kept.issuperset(ids_of(tokenizer, line))]


def hidden_states(model, ids):
    ids = torch.tensor([ids[:MAX_LENGTH]])
    with torch.no_grad():
        return view(model).encoder(ids, torch.ones_like(ids))[0]


def logits(model, ids):
    ids = torch.tensor([ids[:MAX_LENGTH]])
    with torch.no_grad():
        return model(ids, torch.ones_like(ids)).logits


# --- exactness ---------------------------------------------------------------------------------


@every_pair
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(st.sampled_from(TINY_TEXT), min_size=1, max_size=12, unique=True),
    coverage=st.sampled_from([1.0, 1.0, 0.9, 0.5]),
    characters=st.booleans(),
)
def test_text_whose_tokens_are_kept_is_computed_as_before(
    family, kind, lines, coverage, characters, tmp_path
):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"swh-Latn": lines})
    options = {"coverage": coverage, "keep_script_characters": characters}
    plan, smaller, trimmed = trim(model, tokenizer, context, **options)
    kept = list(plan.kept_token_ids)
    exact = kept_lines(tokenizer, plan)
    assert coverage < 1 or exact or gives_up_on(tokenizer)
    for line in exact:
        before, after = ids_of(tokenizer, line), ids_of(trimmed, line)
        assert [kept[i] for i in after] == before
        old = tokenizer.convert_ids_to_tokens(before)
        assert trimmed.convert_ids_to_tokens(after) == old
        assert_parity(hidden_states(smaller, after), hidden_states(model, before), atol=0.0)


@every_pair
def test_masked_lm_logits_of_kept_tokens_are_the_same(family, kind, tmp_path):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"mlt-Latn": LINES["mlt-Latn"]})
    plan, smaller, trimmed = trim(model, tokenizer, context)
    kept = torch.tensor(plan.kept_token_ids)
    lines = kept_lines(tokenizer, plan)
    assert lines
    for line in lines:
        before = logits(model, ids_of(tokenizer, line))
        after = logits(smaller, ids_of(trimmed, line))
        assert after.shape[-1] == len(kept)
        # a product with fewer columns may be added up in another order
        assert_parity(after, before[..., kept], atol=1e-5)


@every_pair
def test_every_matrix_with_a_vocabulary_axis_follows(family, kind, tmp_path):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"amh-Ethi": LINES["amh-Ethi"]})
    plan, smaller, _ = trim(model, tokenizer, context)
    kept = torch.tensor(plan.kept_token_ids)
    old, new = view(model), view(smaller)
    names = {name for name, _ in old.vocabulary_tensors()}
    assert names == {name for name, _ in new.vocabulary_tensors()}
    assert len(names) >= 3  # embedding, head, and the head's bias
    for name, tensor in old.named_tensors().items():
        expected = tensor[kept] if name in names else tensor
        assert_parity(new.named_tensors()[name], expected, atol=0.0)
    assert smaller.config.vocab_size == new.word_embeddings.num_embeddings == len(kept)


@every_pair
def test_ties_and_special_ids_follow(family, kind, tmp_path):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"amh-Ethi": LINES["amh-Ethi"]})
    plan, smaller, trimmed = trim(model, tokenizer, context)
    kept = list(plan.kept_token_ids)
    assert view(smaller).is_tied
    assert view(smaller).is_tied == view(model).is_tied
    for field in view(model).token_id_fields():
        assert kept[getattr(smaller.config, field)] == getattr(model.config, field)
    new_padding = view(smaller).word_embeddings.padding_idx
    assert kept[new_padding] == view(model).word_embeddings.padding_idx
    assert smaller.config.pad_token_id == trimmed.pad_token_id
    assert trimmed.special_tokens_map == tokenizer.special_tokens_map
    for token in tokenizer.all_special_tokens:
        new_id = trimmed.convert_tokens_to_ids(token)
        assert kept[new_id] == tokenizer.convert_tokens_to_ids(token)


@every_pair
def test_new_and_old_ids_are_in_one_to_one_relation(family, kind, tmp_path):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"jpn-Jpan": LINES["jpn-Jpan"]})
    plan, smaller, trimmed = trim(model, tokenizer, context)
    kept = list(plan.kept_token_ids)
    assert len(set(kept)) == len(kept) == len(trimmed) == view(smaller).num_token_ids
    old_tokens = tokenizer.convert_ids_to_tokens(kept)
    assert trimmed.convert_ids_to_tokens(list(range(len(kept)))) == old_tokens
    assert trimmed.get_vocab() == {token: new for new, token in enumerate(old_tokens)}


@every_pair
def test_a_saved_result_loads_as_the_same(family, kind, tmp_path):
    model, tokenizer = masked_lm(family, kind)
    context = write_context(tmp_path, {"swh-Latn": LINES["swh-Latn"]})
    _, smaller, trimmed = trim(model, tokenizer, context)
    save_checkpoint(smaller, trimmed, tmp_path / "checkpoint")
    attention = smaller.config._attn_implementation
    loaded = AutoModelForMaskedLM.from_pretrained(
        tmp_path / "checkpoint", attn_implementation=attention
    ).eval()
    reloaded = AutoTokenizer.from_pretrained(tmp_path / "checkpoint")
    for line in TINY_TEXT[::6]:
        ids = ids_of(trimmed, line)
        assert ids_of(reloaded, line) == ids
        assert_parity(logits(loaded, ids), logits(smaller, ids), atol=0.0)


# --- unknown characters ------------------------------------------------------------------------


@pytest.mark.parametrize("tag", SCRIPTS)
@pytest.mark.parametrize("name", ["bert_cased", "xlm_roberta", "deberta_v2", "clip_like_bpe"])
def test_no_character_of_the_script_turns_into_unknown(name, tag, tmp_path):
    tokenizer = zoo_tokenizer(name)
    model, _ = tiny_pair("bert", "wordpiece")
    model.resize_token_embeddings(len(tokenizer))
    model.config.update({f"{x}_token_id": None for x in ("pad", "bos", "eos", "cls", "sep")})
    view(model).word_embeddings.padding_idx = None
    context = write_context(tmp_path, {tag: LINES[tag][:1]})
    trimmed = trim_tokenizer(tokenizer, plan_of(model, tokenizer, context).kept_token_ids)
    unknown, new_unknown = tokenizer.unk_token_id, trimmed.unk_token_id
    words = {word for line in LINES[tag] for word in line.split()} - {"2024."}
    assert len(words) > 2
    for word in words:
        before = tokenizer(word)["input_ids"].count(unknown)
        assert trimmed(word)["input_ids"].count(new_unknown) <= before, word


# --- several trims -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_trim_keeps_exactly_what_both_keep(kind, tmp_path):
    model, tokenizer = masked_lm("xlm_roberta", kind)
    both = write_context(tmp_path, {tag: LINES[tag] for tag in ("swh-Latn", "amh-Ethi")})
    one = write_context(tmp_path, {"amh-Ethi": LINES["amh-Ethi"]})
    first, middle, middle_tokenizer = trim(model, tokenizer, both)
    second, last, last_tokenizer = trim(middle, middle_tokenizer, one)
    direct, expected, expected_tokenizer = trim(model, tokenizer, one)
    assert set(direct.kept_token_ids) < set(first.kept_token_ids)
    kept = [first.kept_token_ids[i] for i in second.kept_token_ids]
    assert kept == list(direct.kept_token_ids)
    assert (
        last_tokenizer.backend_tokenizer.to_str() == expected_tokenizer.backend_tokenizer.to_str()
    )
    for name, tensor in expected.state_dict().items():
        assert_parity(last.state_dict()[name], tensor, atol=0.0)


@given(
    first=st.sets(st.sampled_from(TINY_TEXT), min_size=1, max_size=30),
    second=st.sets(st.sampled_from(TINY_TEXT), min_size=1, max_size=30),
)
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", ["bert_cased", "xlm_roberta", "roberta", "gemma_like"])
def test_two_trims_in_a_row_are_one_trim_to_the_intersection(name, first, second):
    """At the level of tokenizers, for any two sets of tokens."""
    tokenizer = zoo_tokenizer(name)
    sets = [
        close_token_ids(
            tokenizer,
            {i for line in lines for i in ids_of(tokenizer, line)} | required_token_ids(tokenizer),
        )
        for lines in (first, second)
    ]
    kept = sorted(sets[0])
    once = trim_tokenizer(tokenizer, kept)
    twice = trim_tokenizer(once, [new for new, old in enumerate(kept) if old in sets[1]])
    direct = trim_tokenizer(tokenizer, sorted(sets[0] & sets[1]))
    assert twice.backend_tokenizer.to_str() == direct.backend_tokenizer.to_str()


# --- the method's own verification -------------------------------------------------------------


def test_a_tokenizer_that_splits_otherwise_is_noticed():
    _, tokenizer = masked_lm("bert", "unigram")
    kept = list(range(len(tokenizer)))
    other = trim_tokenizer(tokenizer, kept)
    other.backend_tokenizer.normalizer = None
    other.backend_tokenizer.pre_tokenizer = None
    with pytest.raises(ParityError, match=r"split differently[\s\S]*tokenizer\.json"):
        verify_pieces(tokenizer, other, kept, TINY_TEXT)


def test_words_count_where_no_line_is_kept_whole():
    _, tokenizer = masked_lm("bert", "unigram")
    line = TINY_TEXT[0]
    kept = sorted(set(range(len(tokenizer))) - {ids_of(tokenizer, line)[-2]})
    other = trim_tokenizer(tokenizer, kept)
    other.backend_tokenizer.pre_tokenizer = None
    with pytest.raises(ParityError, match="'Mwalimu'"):
        verify_pieces(tokenizer, other, kept, [line])


def test_a_word_that_wordpiece_gave_up_on_may_be_found_afterwards():
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab", "a", "##bd"]
    tokenizer = BertTokenizer(vocab={name: i for i, name in enumerate(names)})
    kept = [0, 1, 2, 3, 4, 6, 7]
    trimmed = trim_tokenizer(tokenizer, kept)
    verify_pieces(tokenizer, trimmed, kept, ["abd a"])
    assert tokenizer.tokenize("abd a") == ["[UNK]", "a"]  # "ab" leads astray
    assert trimmed.tokenize("abd a") == ["a", "##bd", "a"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_out_of_place_is_noticed(family):
    model, tokenizer = masked_lm(family, "unigram")
    kept = list(range(len(tokenizer)))
    smaller = gather_vocabulary(model, torch.tensor(kept))
    verify_hidden_states(model, smaller, kept)
    with torch.no_grad():
        rows = view(smaller).word_embeddings.weight
        rows.copy_(rows.roll(1, dims=0))
    with pytest.raises(ParityError, match=r"computed differently[\s\S]*bit-equal"):
        verify_hidden_states(model, smaller, kept)


def test_every_tokenizer_of_the_zoo_can_be_trimmed_by_the_method(tmp_path):
    context = write_context(tmp_path, {"swh-Latn": LINES["swh-Latn"]})
    for name in ZOO:
        tokenizer = zoo_tokenizer(name)
        model, _ = tiny_pair("bert", "wordpiece")
        model.resize_token_embeddings(len(tokenizer))
        plan = plan_of(model, tokenizer, context)
        _, trimmed = METHOD.apply(model, tokenizer, plan, context)
        assert len(trimmed) == len(plan.kept_token_ids) < len(tokenizer)
