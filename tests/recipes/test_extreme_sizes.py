"""How small the recipes of issue 6 make a model: counted on the shapes, without any value."""

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, XLMRobertaConfig, XLMRobertaForMaskedLM

from tinyglot.architectures import view
from tinyglot.recipes import read_recipe
from tinyglot.surgery import (
    Structures,
    count_parameters,
    gather_vocabulary,
    keep_layers,
    keep_structures,
    truncate_hidden,
)

E5_SMALL = {
    "vocab_size": 250_037,
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
XLM_R = {
    "vocab_size": 250_002,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "pad_token_id": 1,
}
MBERT = {"vocab_size": 119_547}


def on_meta(name):
    with torch.device("meta"):
        if name == "xlm_r":
            return XLMRobertaForMaskedLM(XLMRobertaConfig(**XLM_R))
        return BertForMaskedLM(BertConfig(**(E5_SMALL if name == "e5_small" else MBERT)))


def cut(model, step):
    """Do to the shape what a step does to it."""
    if step.method == "layer_dropping":
        return keep_layers(model, range(step.num_layers))
    if step.method == "ffn_pruning":
        kept = round((1 - step.pruning_ratio) * model.config.intermediate_size)
        neurons = tuple(tuple(range(kept)) for _ in view(model).layers)
        return keep_structures(model, Structures.of(model).keep(neurons=neurons))
    if step.method == "width_reduction":
        return narrowed(model, step)
    if step.method == "vocabulary_trimming":
        return gather_vocabulary(model, torch.arange(step.max_vocabulary_size))
    return model


def narrowed(model, step):
    encoder = view(model)
    width = step.sized(encoder.hidden_size, encoder.num_heads[0]).hidden_size
    if step.heads != "whole":
        return truncate_hidden(model, width)
    num_heads = width // encoder.head_dim
    heads = tuple(tuple(range(num_heads)) for _ in encoder.layers)
    kept = Structures.of(model).keep(heads=heads, hidden=tuple(range(width)))
    return keep_structures(model, kept)


def ends(recipe, name):
    model = original = on_meta(name)
    for step in read_recipe(recipe).steps:
        model = cut(model, step)
    counts = [count_parameters(one).num_parameters for one in (original, model)]
    return model, counts[0], counts[1]


@pytest.mark.parametrize("recipe", ["extreme", "extreme-published"])
def test_the_bundled_model_loses_nine_tenths(recipe):
    model, before, after = ends(recipe, "e5_small")
    assert 0.90 < 1 - after / before < 0.94
    assert model.config.vocab_size == 40_000
    assert (model.config.num_hidden_layers, model.config.intermediate_size) == (6, 1024)
    width = {"extreme": 160, "extreme-published": 156}[recipe]
    assert model.config.hidden_size == width


def test_both_end_at_about_the_same_size():
    ours, published = (ends(recipe, "e5_small")[2] for recipe in ("extreme", "extreme-published"))
    assert abs(ours / published - 1) < 0.04


@pytest.mark.parametrize(
    ("name", "millions", "cut_percent"), [("xlm_r", 22.81, 91.8), ("mbert", 22.81, 87.2)]
)
def test_the_published_recipe_ends_at_the_published_size(name, millions, cut_percent):
    _, before, after = ends("extreme-published", name)
    assert round(after / 1e6, 2) == millions
    assert round(100 * (1 - after / before), 1) == cut_percent
