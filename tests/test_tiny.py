import unicodedata

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from tests.parity import assert_parity
from tests.tiny import (
    FAMILIES,
    HEADS,
    KINDS,
    TINY_TEXT,
    tiny_checkpoint,
    tiny_inputs,
    tiny_model,
    tiny_pair,
    tiny_tokenizer,
)


def test_text_has_sixty_different_lines_in_nfc():
    assert len(set(TINY_TEXT)) == 60
    assert [line for line in TINY_TEXT if unicodedata.normalize("NFC", line) != line] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", HEADS)
def test_same_seed_gives_the_same_model_and_another_seed_another(family, head):
    first, again, other = (tiny_model(family, head, seed=seed) for seed in (0, 0, 1))
    states = [torch.cat([p.flatten() for p in m.parameters()]) for m in (first, again, other)]
    assert_parity(states[1], states[0])
    assert not torch.equal(states[2], states[0])


def test_building_a_model_leaves_the_global_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    tiny_model("bert")
    assert_parity(torch.rand(3), expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_parameter_is_constant(family):
    model = tiny_model(family, "masked_lm")
    assert [name for name, p in model.named_parameters() if float(p.detach().std()) < 0.05] == []


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_knows_its_text_and_has_longer_pieces(kind):
    tokenizer = tiny_tokenizer(kind)
    unknown = [line for line in TINY_TEXT if tokenizer.unk_token_id in tokenizer(line).input_ids]
    long_pieces = [piece for piece in tokenizer.get_vocab() if len(piece.strip("#▁Ġ")) > 1]
    assert unknown == []
    assert len(long_pieces) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_is_cased_and_keeps_accents(kind):
    tokenizer = tiny_tokenizer(kind)
    assert (
        tokenizer.decode(tokenizer("Għalliema").input_ids, skip_special_tokens=True) == "Għalliema"
    )


def test_each_call_gives_a_tokenizer_of_its_own():
    changed = tiny_tokenizer("unigram")
    changed.add_tokens(["<new>"])
    assert len(tiny_tokenizer("unigram")) == len(changed) - 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_does_not_change_a_sentence(family, kind):
    model, tokenizer = tiny_pair(family, kind)
    padded = tiny_inputs(tokenizer)
    length = int(padded["attention_mask"][0].sum())
    alone = {name: values[:1, :length] for name, values in padded.items()}
    assert length < padded["input_ids"].shape[1]
    with torch.no_grad():
        together = model(**padded).last_hidden_state[:1, :length]
        assert_parity(together, model(**alone).last_hidden_state, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_checkpoint_reloads_to_the_same_output(family, tmp_path):
    tiny_checkpoint(tmp_path, family, "unigram")
    model, tokenizer = tiny_pair(family, "unigram")
    inputs = tiny_inputs(tokenizer)
    reloaded = AutoModel.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        expected = model(**inputs).last_hidden_state
        assert_parity(reloaded(**inputs).last_hidden_state, expected)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "wordpiece"),
        ("xlm_roberta", "unigram"),
        ("roberta", "bpe"),
        ("modernbert", "bpe_byte_fallback"),
    ],
)
def test_saved_tokenizer_reloads_to_the_same_ids(family, kind, tmp_path):
    reloaded = AutoTokenizer.from_pretrained(tiny_checkpoint(tmp_path, family, kind))
    assert reloaded(TINY_TEXT).input_ids == tiny_tokenizer(kind)(TINY_TEXT).input_ids
