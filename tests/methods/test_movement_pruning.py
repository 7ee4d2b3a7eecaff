"""Scores that grow while the training pushes a unit away from zero."""

import json

import pytest
import torch

from tests.methods.labelled import write_data
from tests.methods.test_fine_tuning import LANGUAGES, pair
from tests.parity import assert_parity
from tests.tiny import tiny_model
from tinyglot.architectures import view
from tinyglot.importance import gated
from tinyglot.methods.contract import Context
from tinyglot.methods.movement_pruning import METHOD, MovementPruningConfig
from tinyglot.methods.movement_pruning.controller import MovementController
from tinyglot.training import Budget
from tinyglot.training.gating import unit_counts

CPU = torch.device("cpu")
BUDGETS = {"heads": Budget((4, 4), 4), "neurons": Budget((8, 8), 8)}


def controller(*, is_uniform=True, budgets=BUDGETS):
    return MovementController(budgets, CPU, is_uniform=is_uniform)


def move(made, gradient, rate=0.5):
    (scores,) = made.parameters()
    scores.grad = torch.tensor(gradient)
    made.update(0.0, rate)


def test_a_score_is_the_sum_of_rate_times_gradient_times_weight():
    """Of every weight behind the gate: that is the derivative by the gate."""
    model = tiny_model("bert", "token_classification").double()
    made = MovementController(
        {kind: Budget(counts, 2) for kind, counts in unit_counts(model).items()},
        CPU,
        is_uniform=True,
    )
    ids = torch.arange(5, 25).reshape(2, 10)
    with gated(model, made.gates(0.0)):
        model(ids)[0].square().sum().backward()
    made.update(0.0, 0.1)
    for layer, roles in enumerate(view(model).linear_modules()):
        for kind, role in (("heads", "attention_output"), ("neurons", "ffn_out")):
            moved = roles[role].weight * roles[role].weight.grad
            count = made.budgets[kind].counts[layer]
            expected = -0.1 * moved.sum(0).reshape(count, -1).sum(1)
            found = made.split(kind, made.scores()[kind])[layer]
            assert_parity(found.detach().double(), expected.detach(), atol=1e-5)
            assert expected.abs().max() > 1e-3


def test_a_unit_that_was_gated_may_come_back():
    made = controller(budgets={"heads": Budget((4,), 2)})
    move(made, [1.0, 2.0, -1.0, -2.0])
    assert made.gates(1.0).heads[0].tolist() == [0, 0, 1, 1]
    move(made, [-9.0, 0.0, 0.0, 0.0])
    assert made.gates(1.0).heads[0].tolist() == [1, 0, 0, 1]
    made.decide()
    assert made.kept == {"heads": ((0, 3),)}
    assert made.report()["heads"]["kept_num_pushed_away"] == 2
    assert made.report()["heads"]["removed_score_tenths"][::10] == [-1.0, 0.5]


def test_most_units_go_at_first():
    progresses = (0, 0.25, 0.5, 1)
    made = controller(budgets={"neurons": Budget((8, 8), 8)}, is_uniform=False)
    assert [made.num_kept("neurons", each) for each in progresses] == [(16,), (11,), (9,), (8,)]
    even = controller(budgets={"neurons": Budget((8, 8), 8)})
    kept = [even.num_kept("neurons", each) for each in progresses]
    assert kept == [(8, 8), (6, 6), (4, 4), (4, 4)]


@pytest.mark.parametrize("is_uniform", [True, False])
def test_layers_that_differ_begin_whole_and_end_alike(is_uniform):
    made = controller(budgets={"neurons": Budget((48, 20), 34)}, is_uniform=is_uniform)
    made.load_tensors({"neurons.scores": -torch.arange(68.0)})
    assert [gates.sum() for gates in made.gates(0.0).neurons] == [48, 20]
    assert [gates.sum() for gates in made.gates(1.0).neurons] == (
        [17, 17] if is_uniform else [33, 1]
    )
    made.decide()
    assert list(map(len, made.kept["neurons"])) == ([17, 17] if is_uniform else [33, 1])


def test_where_nothing_may_go_facts_can_still_be_said():
    made = controller(budgets={"heads": Budget((2, 2), 4)})
    made.decide()
    report = made.report()["heads"]
    assert (report["removed_score_tenths"], report["removed_num_pushed_away"]) == ([], 0)


def test_gated_units_still_have_a_gradient():
    made = controller(budgets={"heads": Budget((4,), 1)})
    (gates,) = made.gates(1.0).heads
    assert gates.tolist() == [1, 0, 0, 0]
    (gates * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert made.parameters()[0].grad.tolist() == [1, 2, 3, 4]


def test_a_restored_controller_has_the_same_scores():
    made, again = controller(), controller()
    for scores in made.parameters():
        scores.grad = torch.randn(len(scores), generator=torch.Generator().manual_seed(1))
    made.update(0.0, 1e-3)
    again.restore(json.loads(json.dumps(made.state())))
    assert again.digest() == made.digest() != controller().digest()
    made.decide()
    again.restore(made.state())
    assert again.kept == made.kept


def test_facts_say_what_stayed_and_how_scores_were_spread(tmp_path):
    data = str(write_data(tmp_path / "data"))
    context = Context(languages=LANGUAGES, data=data, task="ner", directory=tmp_path / "work")
    options = {"ffn_size": 20, "structures": "neurons", "max_steps": 4, "precision": "fp32"}
    given = pair()
    plan = METHOD.plan(*given, MovementPruningConfig(**options, batch_size=8), context)
    assert plan.summary()[-1].startswith("stock: ")
    model, _ = METHOD.apply(*given, plan, context)
    facts = json.loads((tmp_path / "work" / "facts.json").read_text("utf-8"))
    assert model.config.intermediate_size == 20
    assert facts["num_kept_by_layer"] == {"neurons": [20, 20]}
    assert list(map(len, facts["kept"]["neurons"])) == [20, 20]
    gates = facts["gates"]["neurons"]
    assert gates["kept_score_tenths"] == sorted(gates["kept_score_tenths"])
    with pytest.raises(KeyError, match="heads"):
        facts["gates"]["heads"]
