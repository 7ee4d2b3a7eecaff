"""Gates follow the precision of what they scale."""

import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import FAMILIES, tiny_model
from tinyglot.importance import Gates, gated

IDS = torch.arange(5, 25).reshape(2, 10)


def halved(gates):
    """Give gates of 1/2, which every precision holds exactly."""
    fields = {"heads": gates.heads, "neurons": gates.neurons, "layers": gates.layers}
    kinds = {**fields, "hidden": gates.hidden}
    return Gates(
        **{kind: [each.detach().float() / 2 for each in part] for kind, part in kinds.items()}
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_full_gates_on_half_weights_are_those_of_half_gates(family):
    model = tiny_model(family).to(torch.bfloat16)
    full = halved(Gates.ones(model))
    half = Gates(
        *(
            [gate.to(torch.bfloat16) for gate in part]
            for part in (full.heads, full.neurons, full.layers, full.hidden)
        )
    )
    found = []
    for gates in (full, half):
        with torch.no_grad(), gated(model, gates):
            found.append(model(IDS)[0])
    assert found[0].dtype == torch.bfloat16
    assert_parity(found[0].float(), found[1].float(), atol=0.0)
    with torch.no_grad():
        assert (model(IDS)[0] - found[0]).abs().max() > 1e-2


def test_the_gradient_has_the_precision_of_the_gate():
    model = tiny_model("bert").to(torch.bfloat16)
    gate = torch.ones(4, requires_grad=True)
    with gated(model, Gates(heads=[gate])):
        model(IDS)[0].float().square().sum().backward()
    assert gate.grad.dtype == torch.float32
    assert gate.grad.abs().min() > 0
