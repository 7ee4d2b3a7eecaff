"""Smaller models inside a model: bit for bit what is cut out, and trained through the whole."""

import pytest
import torch
from transformers import DebertaV2Config, DebertaV2Model
from transformers.optimization import Adafactor

from tests.surgery.test_structures import INPUTS, MODELS, outputs
from tests.tiny import FAMILIES, tiny_model
from tinyglot.architectures import view
from tinyglot.errors import StructureRangeError, UnsupportedArchitectureError
from tinyglot.surgery import Structures, Subnetworks, SubnetworkShape, cut_to, keep_structures
from tinyglot.surgery.reorder import reorder_

SMALL = SubnetworkShape(layers=(0,), num_heads=3, ffn_size=20)


def last_layer(model):
    """The first layer is pinned in ModernBERT; elsewhere only the last one stays."""
    encoder = view(model)
    return tuple(sorted({*encoder.pinned_layers, len(encoder.layers) - 1}))


@pytest.mark.parametrize(("family", "head"), MODELS)
def test_a_subnetwork_computes_the_bits_of_the_model_that_is_cut_out(family, head):
    model = tiny_model(family, head)
    shape = SubnetworkShape(last_layer(model), num_heads=3, ffn_size=20)
    with torch.no_grad():
        inside = Subnetworks(model)(shape, INPUTS)[0]
    cut = cut_to(model, shape)
    assert torch.equal(inside, outputs(cut))
    assert type(cut) is type(model)
    assert (view(cut).num_heads[0], view(cut).ffn_sizes[0]) == (3, 20)
    assert cut.num_parameters() < model.num_parameters()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_whole_is_a_subnetwork_too(family):
    model = tiny_model(family, "token_classification")
    with torch.no_grad():
        inside = Subnetworks(model)(SubnetworkShape.of(model), INPUTS)[0]
    assert torch.equal(inside, outputs(model))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_gradient_of_a_subnetwork_is_that_of_the_cut_model_in_its_place(family):
    model = tiny_model(family, "token_classification").double()
    shape = SubnetworkShape(last_layer(model), num_heads=2, ffn_size=20)
    Subnetworks(model)(shape, INPUTS)[0].square().sum().backward()
    cut = cut_to(model, shape).eval()
    cut(**INPUTS)[0].square().sum().backward()
    whole = view(model).word_embeddings.weight
    part = view(cut).word_embeddings.weight
    kept = part.shape[1]
    assert torch.equal(whole.grad[:, :kept], part.grad)
    assert not whole.grad[:, kept:].any()
    total = sum(p.grad.square().sum() for p in model.parameters() if p.grad is not None)
    expected = sum(p.grad.square().sum() for p in cut.parameters() if p.grad is not None)
    assert abs(total - expected) <= 1e-12 * expected


def test_what_a_subnetwork_learns_is_learnt_by_the_model():
    model = tiny_model("bert", "sequence_classification")
    subnetworks = Subnetworks(model)
    before = subnetworks(SMALL, INPUTS)[0].detach()
    subnetworks(SMALL, INPUTS)[0].sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
        after = subnetworks(SMALL, INPUTS)[0]
    assert not torch.equal(before, after)
    assert torch.equal(after, outputs(cut_to(model, SMALL)))


def test_dropout_is_that_of_the_model_s_mode():
    model = tiny_model("bert", "token_classification")
    subnetworks = Subnetworks(model)
    still = subnetworks(SMALL, INPUTS)[0]
    model.train()
    assert not torch.equal(subnetworks(SMALL, INPUTS)[0], still)
    model.eval()
    assert torch.equal(subnetworks(SMALL, INPUTS)[0], still)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_order_in_place_is_the_copy_in_that_order(family):
    model = tiny_model(family, "token_classification").double()
    expected = outputs(model)
    all_ = Structures.of(model)
    order = Structures(
        tuple(heads[::-1] for heads in all_.heads),
        tuple(neurons[::-1] for neurons in all_.neurons),
        all_.hidden[::-1],
    )
    copy = keep_structures(model, order)
    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(1.0),
            "exp_avg": parameter.detach().clone(),
        }
    reorder_(model, order, optimizer)
    for name, parameter in copy.named_parameters():
        mine = model.get_parameter(name)
        assert torch.equal(mine, parameter), name
        assert torch.equal(optimizer.state[mine]["exp_avg"], parameter), name
    assert (outputs(model) - expected).abs().max() <= 1e-12


def reverse(model):
    all_ = Structures.of(model)
    heads, neurons = (tuple(each[::-1] for each in lists) for lists in (all_.heads, all_.neurons))
    return Structures(heads, neurons, all_.hidden[::-1])


def test_sums_over_rows_and_columns_follow_the_order():
    model = tiny_model("bert", "token_classification")
    optimizer = Adafactor(model.parameters(), lr=1e-3, relative_step=False, scale_parameter=False)
    model(**INPUTS).logits.square().sum().backward()
    optimizer.step()
    weight = view(model).linear_modules()[0]["ffn_in"].weight
    before = {
        name: optimizer.state[weight][f"exp_avg_sq_{name}"].clone() for name in ("row", "col")
    }
    reorder_(model, reverse(model), optimizer)
    for name, values in before.items():
        assert torch.equal(optimizer.state[weight][f"exp_avg_sq_{name}"], values.flip(0)), name
        assert not torch.equal(values, values.flip(0))


def test_moments_of_a_form_of_their_own_are_refused_before_anything_changes():
    model = tiny_model("bert", "token_classification")
    optimizer = torch.optim.AdamW(model.parameters())
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    last = view(model).linear_modules()[1]["ffn_out"].weight
    optimizer.state[last] = {"state1": torch.zeros(7)}
    with pytest.raises(UnsupportedArchitectureError, match=r"state1 of shape \(7,\) for a par"):
        reorder_(model, reverse(model), optimizer)
    assert all(torch.equal(parameter, before[n]) for n, parameter in model.named_parameters())


def test_gradient_checkpointing_is_for_the_whole_only():
    model = tiny_model("bert", "token_classification")
    Subnetworks(model)(SMALL, INPUTS)[0].sum().backward()
    expected = view(model).word_embeddings.weight.grad.clone()
    model.zero_grad()
    model.gradient_checkpointing_enable()
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    Subnetworks(model)(SMALL, INPUTS)[0].sum().backward()
    assert torch.equal(view(model).word_embeddings.weight.grad, expected)
    assert model.is_gradient_checkpointing


def test_a_head_of_one_s_own_is_refused_with_the_module():
    model = tiny_model("bert", "token_classification")
    model.classifier = torch.nn.Sequential(torch.nn.Linear(32, 17), torch.nn.Linear(17, 5))
    with pytest.raises(UnsupportedArchitectureError, match=r"classifier\.1: Linear of 17 channels"):
        cut_to(model, SMALL)


def deberta(**fields):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return DebertaV2Model(DebertaV2Config(vocab_size=99, intermediate_size=48, **sizes, **fields))


def test_a_convolution_in_groups_is_refused():
    with pytest.raises(
        UnsupportedArchitectureError,
        match=r"encoder\.conv\.conv: Conv1d of \d+ channels in 2 groups",
    ):
        cut_to(deberta(conv_kernel_size=3, conv_groups=2), SMALL)


def test_a_hidden_size_as_small_as_the_bottleneck_is_refused():
    with pytest.raises(StructureRangeError, match=r"16 hidden channels, as many as the narrower"):
        cut_to(deberta(embedding_size=16), SubnetworkShape((0,), num_heads=2, ffn_size=20))


def test_a_written_size_of_the_embedding_follows_the_hidden_size():
    cut = cut_to(deberta(embedding_size=32), SubnetworkShape((0,), num_heads=2, ffn_size=20))
    assert (cut.config.embedding_size, cut.config.hidden_size) == (16, 16)
