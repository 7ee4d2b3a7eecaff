"""Cutting and re-ordering heads, neurons and hidden channels."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

from tests.slim import INPUTS, outputs, uneven
from tests.tiny import FAMILIES, HEADS, tiny_model
from tinyglot.architectures import view
from tinyglot.errors import StructureRangeError
from tinyglot.importance import Gates, gated
from tinyglot.surgery import Structures, is_stock_shape, keep_structures, verify_reload

MODELS = [(family, head) for family in FAMILIES for head in HEADS]
FRESH = """
import sys, torch
from transformers import AutoModel
model = AutoModel.from_pretrained(sys.argv[1]).double().eval()
inputs = torch.load(sys.argv[2])
with torch.no_grad():
    torch.save(model(**inputs)[0], sys.argv[3])
"""


def zero_gates(model, kept):
    """Gates that are zero for all that is not kept."""
    gates = Gates.ones(model)
    with torch.no_grad():
        for tensors, units in ((gates.heads, kept.heads), (gates.neurons, kept.neurons)):
            for gate, indices in zip(tensors, units, strict=True):
                gate.zero_()[list(indices)] = 1
    return gates


@pytest.mark.parametrize(("family", "head"), MODELS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_cut_model_computes_what_the_gated_one_does(family, head, dtype, tolerance):
    model = tiny_model(family, head).to(dtype)
    kept = uneven(model)
    with gated(model, zero_gates(model, kept)):
        expected = outputs(model)
    assert (outputs(model) - expected).abs().max() > 100 * tolerance
    assert (outputs(keep_structures(model, kept)) - expected).abs().max() <= tolerance


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cut_model_has_only_what_was_kept(family):
    model = tiny_model(family)
    before = sum(parameter.numel() for parameter in model.parameters())
    cut = keep_structures(model, uneven(model))
    heads, ffn = view(cut).num_heads, view(cut).ffn_sizes
    assert (heads, ffn) == tuple(
        tuple(map(len, each)) for each in (uneven(model).heads, uneven(model).neurons)
    )
    assert sum(parameter.numel() for parameter in cut.parameters()) < before
    assert before == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_that_differ_need_a_slim_class_which_reloads(family):
    model = tiny_model(family, "token_classification")
    cut = keep_structures(model, uneven(model))
    assert not is_stock_shape(view(cut))
    assert type(cut).__name__ == "Slim" + type(model).__name__
    verify_reload(cut)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_another_order_computes_the_same(family, seed):
    model = tiny_model(family, "sequence_classification").double()
    generator = torch.Generator().manual_seed(seed)

    def shuffled(units):
        return tuple(units[i] for i in torch.randperm(len(units), generator=generator).tolist())

    all_ = Structures.of(model)
    order = Structures(
        tuple(map(shuffled, all_.heads)), tuple(map(shuffled, all_.neurons)), shuffled(all_.hidden)
    )
    difference = outputs(model) - outputs(keep_structures(model, order))
    assert difference.abs().max() <= 1e-12


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stock_cut_loads_without_us(family, tmp_path):
    model = tiny_model(family)
    all_ = Structures.of(model)
    cut = keep_structures(
        model,
        Structures(
            tuple(heads[-1:] for heads in all_.heads),
            tuple(neurons[5:] for neurons in all_.neurons),
            all_.hidden[-view(model).head_dim :],
        ),
    )
    assert type(cut) is type(model)
    cut.save_pretrained(tmp_path / "cut")
    torch.save(INPUTS, tmp_path / "inputs.pt")
    arguments = [str(tmp_path / name) for name in ("cut", "inputs.pt", "outputs.pt")]
    subprocess.run([sys.executable, "-c", FRESH, *arguments], check=True)
    reloaded = torch.load(tmp_path / "outputs.pt")
    assert torch.equal(reloaded, outputs(cut.double()))
    assert "tinyglot" not in (tmp_path / "cut" / "config.json").read_text()


def test_all_of_a_model_is_an_equal_copy_that_shares_nothing():
    model = tiny_model("bert")
    copy = keep_structures(model, Structures.of(model))
    addresses = {parameter.data_ptr() for parameter in model.parameters()}
    assert not addresses & {parameter.data_ptr() for parameter in copy.parameters()}
    assert torch.equal(outputs(copy), outputs(model))
    assert isinstance(AutoModel.from_config(copy.config), type(model))


def test_an_uneven_model_can_be_cut_even_again():
    model = tiny_model("bert")
    cut = keep_structures(model, uneven(model))
    all_ = Structures.of(cut)
    even = keep_structures(
        cut,
        Structures(
            tuple(heads[:1] for heads in all_.heads),
            tuple(neurons[:7] for neurons in all_.neurons),
            all_.hidden[: view(cut).head_dim],
        ),
    )
    assert type(even) is type(model)
    assert not hasattr(even.config, "slim")
    verify_reload(even)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": ((0, 7), (0,))}, r"layer 0: head 7 is not there"),
        ({"heads": ((0, 0), (0,))}, r"layer 0: a head occurs twice"),
        ({"heads": ((0,), ())}, r"layer 1: no head is left"),
        ({"heads": ((0,),)}, r"heads of 1 layers, the model has 2"),
        ({"hidden": tuple(range(9))}, r"9 hidden channels are no multiple of the head size"),
    ],
)
def test_wrong_parts_are_refused(change, message):
    model = tiny_model("bert")
    with pytest.raises(StructureRangeError, match=message):
        keep_structures(model, Structures.of(model).keep(**change))
