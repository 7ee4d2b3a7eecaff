"""Cuts beside those of torch-pruning, which finds by tracing which matrices belong together."""

import pytest
import torch

from tests.tiny import FAMILIES, tiny_model
from tinyglot.architectures import view
from tinyglot.architectures.slim import set_num_heads
from tinyglot.surgery import Structures, keep_structures

tp = pytest.importorskip("torch_pruning", reason="the oracle is not installed")
INPUTS = {
    "input_ids": torch.arange(5, 45).reshape(4, 10),
    "attention_mask": torch.ones(4, 10, dtype=torch.long),
}
KEPT_HEADS, REMOVED_NEURONS = (0, 2), (1, 4, 5, 6, 7, 8)


@pytest.fixture(params=FAMILIES)
def model(request):
    model = tiny_model(request.param, "token_classification").double()
    model.set_attn_implementation("eager")
    return model


def prune_by_tracing(model, role, channels):
    graph = tp.DependencyGraph().build_dependency(
        model, example_inputs=INPUTS, forward_fn=lambda module, inputs: module(**inputs)[0]
    )
    for roles in view(model).linear_modules():
        graph.get_pruning_group(roles[role], tp.prune_linear_out_channels, channels).prune()


def outputs(model):
    with torch.no_grad():
        return model.eval()(**INPUTS)[0]


def test_neurons(model):
    kept = tuple(unit for unit in range(48) if unit not in REMOVED_NEURONS)
    all_ = Structures.of(model)
    cut = keep_structures(model, all_.keep(neurons=(kept,) * len(all_.neurons)))
    prune_by_tracing(model, "ffn_in", list(REMOVED_NEURONS))
    assert view(model).ffn_sizes == view(cut).ffn_sizes == (42,) * len(all_.neurons)
    assert cut.num_parameters() == model.num_parameters()
    assert torch.equal(outputs(cut), outputs(model))


def test_heads(model):
    if view(model).family == "modernbert":
        pytest.skip("torch-pruning does not divide the fused matrix of queries, keys and values")
    all_ = Structures.of(model)
    cut = keep_structures(model, all_.keep(heads=(KEPT_HEADS,) * len(all_.heads)))
    prune_by_tracing(model, "query", [*range(8, 16), *range(24, 32)])
    for layer in range(len(all_.heads)):
        set_num_heads(view(model).attention(layer), len(KEPT_HEADS))
    assert cut.num_parameters() == model.num_parameters()
    assert torch.equal(outputs(cut), outputs(model))
