from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from transformers import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2Model

from tests.methods.width import config_of, planned, reduced, write_dev_text
from tests.tiny import TINY_TEXT, tiny_model, tiny_pair
from tinyglot.architectures import view
from tinyglot.errors import (
    EmptyTextError,
    MissingInputError,
    NoEffectError,
    PlanOutdatedError,
    StructureRangeError,
    UncoveredTextError,
    UnsupportedArchitectureError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.width_reduction import METHOD, WidthReductionConfig
from tinyglot.surgery import Structures, keep_structures


@pytest.fixture
def context(tmp_path) -> Context:
    return write_dev_text(tmp_path)


@pytest.mark.parametrize(
    ("family", "hidden_size", "options", "message"),
    [
        ("bert", 18, {}, r"divisible by heads[\s\S]*hidden_size 18[\s\S]*16 or 20"),
        ("bert", 18, {"basis": "truncation"}, r"divisible by heads[\s\S]*16 or 20"),
        ("bert", 20, {"heads": "whole"}, r"size of a head[\s\S]*hidden_size 20[\s\S]*16 or 24"),
        ("modernbert", 20, {}, r"size of a head[\s\S]*hidden_size 20[\s\S]*16 or 24"),
        ("bert", 40, {}, r"hidden_size 40[\s\S]*at most 32"),
        ("bert", 2, {}, r"hidden_size 2\n[\s\S]*such as 4"),
    ],
)
def test_a_width_that_does_not_fit_is_refused(context, family, hidden_size, options, message):
    pair = tiny_pair(family, "wordpiece")
    with pytest.raises(StructureRangeError, match=message):
        planned(pair, context, hidden_size, **options)


def test_the_width_of_the_model_is_no_effect(context):
    with pytest.raises(NoEffectError, match=r"hidden_size 32[\s\S]*allow_no_effect"):
        planned(tiny_pair("bert", "wordpiece"), context, 32)


@pytest.mark.parametrize(
    "options", [{"basis": "truncation"}, {"basis": "svd"}, {"heads": "narrowed"}]
)
def test_rotary_heads_cannot_be_narrowed(context, options):
    pair = tiny_pair("modernbert", "bpe_byte_fallback")
    with pytest.raises(
        UnsupportedArchitectureError, match=r"modernbert, which rotates[\s\S]*whole"
    ):
        planned(pair, context, 16, **options)


def test_heads_with_position_keys_of_their_own_cannot_be_narrowed(context):
    model, tokenizer = tiny_pair("deberta_v2", "unigram")
    fields = model.config.to_dict() | {"share_att_key": False}
    other = DebertaV2Model(DebertaV2Config(**fields))
    with pytest.raises(
        UnsupportedArchitectureError, match=r"keys of positions[\s\S]*share_att_key"
    ):
        planned((other, tokenizer), context, 20)


def test_layers_that_differ_are_refused(context):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    slim = keep_structures(model, Structures.of(model).keep(heads=((0, 1), (0, 1, 2))))
    with pytest.raises(UnsupportedArchitectureError, match=r"2 to 3 heads of 8[\s\S]*stock"):
        planned((slim, tokenizer), context, 16)


def test_a_narrower_embedding_stays_as_it_is(context):
    tokenizer = tiny_pair("deberta_v2", "unigram")[1]
    fields = tiny_model("deberta_v2", vocab_size=len(tokenizer)).config.to_dict()
    model = DebertaV2ForMaskedLM(DebertaV2Config(**fields | {"embedding_size": 8})).eval()
    new = reduced((model, tokenizer), context, 16)
    assert (view(new).embedding_size, view(new).hidden_size) == (8, 16)
    gains = [each.cls.predictions.transform.LayerNorm.weight for each in (model, new)]
    assert torch.equal(*gains)
    with pytest.raises(StructureRangeError, match=r"hidden_size 8\n[\s\S]*other than 8"):
        planned((model, tokenizer), context, 8)


@pytest.mark.parametrize(
    "options", [{}, {"basis": "importance"}, {"basis": "truncation", "reorder_heads": True}]
)
def test_no_text_is_said(options):
    with pytest.raises(MissingInputError, match=r"no text[\s\S]*--text PATH"):
        planned(tiny_pair("bert", "wordpiece"), Context(), 16, **options)


def test_a_language_without_text_is_named(context):
    context = replace(context, languages=("swh-Latn", "mlt-Latn"))
    with pytest.raises(MissingInputError, match=r"no text for mlt-Latn"):
        planned(tiny_pair("bert", "wordpiece"), context, 16)


def test_text_without_a_dev_portion_is_refused(tmp_path, context):
    (tmp_path / "dev.txt").rename(tmp_path / "train.txt")
    with pytest.raises(EmptyTextError, match=r"the dev portion[\s\S]*files for train"):
        planned(tiny_pair("bert", "wordpiece"), context, 16)


def test_text_that_the_tokenizer_does_not_know_is_refused(tmp_path, context):
    (tmp_path / "dev.txt").write_text("𒀀𒀁 𒀂\nthe house\n", encoding="utf-8")
    with pytest.raises(UncoveredTextError, match=r"swh-Latn: \d[\s\S]*at most 0\.00%"):
        planned(tiny_pair("bert", "wordpiece"), context, 16, max_unk_rate=0)


def test_a_plan_for_other_text_is_refused(tmp_path, context):
    pair = tiny_pair("bert", "wordpiece")
    plan = planned(pair, context, 16)
    (tmp_path / "dev.txt").write_text("\n".join(TINY_TEXT[:9]) + "\n", encoding="utf-8")
    with pytest.raises(PlanOutdatedError, match=r"another text[\s\S]*plan again with this text"):
        METHOD.apply(*pair, plan, context)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"basis": "truncation", "heads": "whole"}, "truncation has no choice of heads"),
        ({"basis": "svd", "reconstruct": True}, "svd has no choice of reconstruct"),
        ({"reorder_heads": True}, "truncation and svd, not for pca"),
        ({"basis": "svd", "scorer": "magnitude"}, "svd measures nothing"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        config_of(16, **options)


# --- a share of the width -----------------------------------------------------------------------

PUBLISHED_FRACTIONS = {564: 0.734375, 456: 0.59375, 312: 0.40625}


@pytest.mark.parametrize(("published", "at_384"), [(564, 288), (456, 228), (312, 156)])
def test_the_published_fractions_give_the_published_widths(published, at_384):
    config = WidthReductionConfig(size_fraction=PUBLISHED_FRACTIONS[published], basis="truncation")
    assert config.sized(768, 12).hidden_size == published
    assert config.sized(384, 12).hidden_size == at_384


def test_whole_heads_round_to_their_size():
    config = WidthReductionConfig(size_fraction=0.40625, heads="whole")
    assert [config.sized(width, 12).hidden_size for width in (768, 384)] == [320, 160]
    assert config.sized(384, 12).size_fraction is None


def test_a_width_is_given_in_one_way():
    for given in ({}, {"hidden_size": 16, "size_fraction": 0.5}):
        with pytest.raises(ValidationError, match="give hidden_size or size_fraction, and not b"):
            WidthReductionConfig(**given)
