"""Hard concrete gates and the Lagrangian that holds them to the target."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.labelled import write_data
from tests.methods.test_fine_tuning import LANGUAGES, pair
from tests.parity import assert_parity
from tests.slim import uneven
from tinyglot.architectures import view
from tinyglot.errors import NoEffectError, ParityError, PlanOutdatedError, PruningScheduleError
from tinyglot.methods.contract import Context
from tinyglot.methods.l0_pruning import METHOD, L0Options, L0PruningCallback, L0PruningConfig
from tinyglot.methods.l0_pruning.controller import L0Controller
from tinyglot.methods.l0_pruning.hard_concrete import (
    expected_gates,
    open_probability,
    sample_gates,
)
from tinyglot.surgery import keep_structures
from tinyglot.training import Budget, train_with_gates

CPU = torch.device("cpu")
BUDGETS = {"heads": Budget((4, 4), 4), "neurons": Budget((10, 10), 12)}


def controller(**options):
    return L0Controller(BUDGETS, CPU, L0Options(pruning_ratio=0.5, **options), 250)


# --- the distribution ----------------------------------------------------------------------------


def test_gates_by_hand():
    # noise 1/2 has log odds 0: sigmoid(log_odds * 3 / 2), times 1.2, less 0.1
    log_odds = torch.tensor([-10.0, 0.0, 2 / 3 * math.log(3), 10.0])
    sampled = sample_gates(log_odds, torch.full((4,), 0.5))
    assert_parity(sampled, torch.tensor([0.0, 0.5, 0.8, 1.0]), atol=1e-6)
    # sigmoid of log 11 is 11/12, the first that is stretched to 1
    edges = torch.tensor([-math.log(11.0) - 1e-3, math.log(3.0), math.log(11.0) + 1e-3])
    assert_parity(expected_gates(edges), torch.tensor([0.0, 0.8, 1.0]), atol=1e-6)


@given(log_odds=st.floats(-6, 6))
def test_the_probability_of_an_open_gate_is_how_often_it_is_open(log_odds):
    noise = (torch.arange(20_000) + 0.5) / 20_000
    share = (sample_gates(torch.full_like(noise, log_odds), noise) > 0).double().mean()
    assert float(open_probability(torch.tensor(log_odds))) == pytest.approx(float(share), abs=1e-3)


@given(log_odds=st.floats(-20, 20), noise=st.floats(0, 1))
def test_gates_and_gradients_are_finite_whatever_the_noise(log_odds, noise):
    value = torch.tensor(log_odds, requires_grad=True)
    gate = sample_gates(value, torch.tensor(noise))
    gate.backward()
    assert 0 <= gate.item() <= 1
    assert math.isfinite(value.grad)
    assert value.grad >= 0


# --- the target ----------------------------------------------------------------------------------


def test_the_learning_rate_follows_the_steps():
    options = L0Options(pruning_ratio=0.5)
    assert [options.learning_rate_for(steps) for steps in (10, 250, 5000)] == [0.5, 0.1, 0.05]
    given = L0Options(pruning_ratio=0.5, gate_learning_rate=0.3)
    assert given.learning_rate_for(10) == 0.3


@pytest.mark.parametrize("shape", ["uniform", "free"])
def test_multipliers_bring_the_expected_share_to_the_target(shape):
    made = controller(shape=shape)
    for _ in range(400):
        made.update(1.0, learning_rate=0.0)
    report = made.report()
    assert report["heads"]["expected_removed_share"] == pytest.approx(0.5, abs=0.02)
    assert report["neurons"]["expected_removed_share"] == pytest.approx(0.4, abs=0.02)
    groups = report["neurons"]["expected_removed_share_by_group"]
    assert len(groups) == (2 if shape == "uniform" else 1)


def test_layers_that_differ_have_targets_of_their_own():
    budgets = {"neurons": Budget((48, 20), 34)}
    made = L0Controller(budgets, CPU, L0Options(pruning_ratio=0.5), 250)
    for _ in range(400):
        made.update(1.0, learning_rate=0.0)
    report = made.report()["neurons"]
    wanted = [1 - 17 / 48, 1 - 17 / 20]
    assert report["target_removed_share_by_group"] == wanted
    assert report["expected_removed_share_by_group"] == pytest.approx(wanted, abs=0.02)
    assert report["target_removed_share"] == 0.5
    assert report["expected_removed_share"] == pytest.approx(0.5, abs=0.02)


def test_the_target_rises_to_its_share():
    made = controller(target_warmup=0.5)
    progresses = (0.0, 0.25, 0.5, 1.0)
    assert [made.penalty(each).item() for each in progresses] == [0.0] * 4  # multipliers of zero
    made.update(1.0, learning_rate=0.0)
    penalties = [made.penalty(each).item() for each in progresses]
    assert penalties[0] < penalties[1] < penalties[2] == penalties[3]


def test_units_with_the_highest_odds_stay_and_none_of_them_is_closed():
    made = controller(shape="free")
    odds = torch.tensor([-9.0, 5, -8, -7, 4, -6, -5, -4])
    made.load_tensors({**made.tensors(), "heads.log_odds": odds})
    made.decide()
    assert made.kept["heads"] == ((1,), (0, 2, 3))
    gates = torch.cat(list(made.gates(1.0).heads))
    assert (gates > 0).tolist() == [False, True, False, False, True, False, True, True]
    assert gates[1] == 1
    # those of -5 and -4 are raised by 3.4, until the lower of them is even
    assert gates[6] == pytest.approx(0.10181, abs=1e-4)
    assert gates[7] == pytest.approx(1.2 / (1 + math.exp(0.5986)) - 0.1, abs=1e-4)


def test_gates_that_are_open_are_left_as_they_are():
    made = controller(shape="uniform")
    made.load_tensors({**made.tensors(), "heads.log_odds": torch.tensor([0.0, -9, 1, -9] * 2)})
    made.decide()
    expected = expected_gates(torch.tensor([0.0, 1.0]))
    for layer in made.gates(1.0).heads:
        assert layer.tolist() == [expected[0], 0, expected[1], 0]


def test_noise_is_the_generators_own():
    made = controller()
    state = torch.random.get_rng_state()
    gates = [made.gates(0.5, torch.Generator().manual_seed(seed)).tensors() for seed in (1, 1, 2)]
    assert all(map(torch.equal, gates[0], gates[1]))
    assert not all(map(torch.equal, gates[0], gates[2]))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_restored_controller_learns_on_with_the_same_bits():
    made, again = controller(), controller()
    for _ in range(3):
        made.update(0.7, learning_rate=0.0)
    again.restore(json.loads(json.dumps(made.state())))
    assert again.digest() == made.digest() != controller().digest()
    for each in (made, again):
        each.update(0.8, learning_rate=0.0)
        each.decide()
    assert again.state() == made.state()
    assert again.kept == made.kept


# --- the method ----------------------------------------------------------------------------------

FAST = {
    "num_heads": 2,
    "ffn_size": 20,
    "max_steps": 4,
    "batch_size": 8,
    "learning_rate": 5e-3,
    "precision": "fp32",
}


@pytest.fixture
def context(tmp_path):
    data = write_data(tmp_path / "data")
    return Context(languages=LANGUAGES, data=str(data), task="ner", directory=tmp_path / "work")


def planned(context, given, **options):
    return METHOD.plan(*given, L0PruningConfig(**{**FAST, **options}), context)


def test_a_plan_says_what_stays_and_when(context):
    plan = planned(context, pair())
    assert plan.summary()[-7:-2] == [
        "keep 4 of 8 heads, 2 in each layer",
        "keep 40 of 96 neurons, 20 in each layer",
        f"{plan.num_parameters_after:,} of {plan.num_parameters:,} parameters stay "
        f"({1 - plan.num_parameters_after / plan.num_parameters:.1%} fewer)",
        "gates learnt from step 0 to 3, then the rest of the training with what stays",
        "not stock: 2 heads in every layer; an ordinary model has 4 heads in every layer",
    ]
    neurons = {"num_heads": None, "structures": "neurons"}
    assert planned(context, pair(), **neurons).summary()[-1].startswith("stock: ")
    free = planned(context, pair(), **neurons, shape="free").summary()
    assert "keep 40 of 96 neurons, 20 a layer on average" in free
    assert free[-1].startswith("slim, unless all layers come out alike")


def test_a_training_too_short_is_refused_in_the_plan(context):
    with pytest.raises(PruningScheduleError, match=r"1 steps, [\s\S]*at least 2 steps"):
        planned(context, pair(), max_steps=1)


def test_a_plan_of_another_model_is_refused(context):
    model, tokenizer = pair()
    plan = planned(context, (model, tokenizer))
    slim = keep_structures(model, uneven(model))
    with pytest.raises(PlanOutdatedError, match=r"heads by layer: 1 2\n.* 4 4\n.*plan again"):
        METHOD.apply(slim, tokenizer, plan, context)
    neurons = planned(context, (slim, tokenizer), num_heads=None, structures="neurons")
    assert neurons.num_units == {"heads": (1, 2), "neurons": (45, 42)}
    cut, _ = METHOD.apply(slim, tokenizer, neurons, context)
    assert (view(cut).num_heads, view(cut).ffn_sizes) == ((1, 2), (20, 20))
    assert sum(map(torch.Tensor.numel, cut.parameters())) == neurons.num_parameters_after


class Forgetful(L0PruningCallback):
    """Gives a model whose configuration does not say how many layers it has."""

    def cut(self, model):
        small = super().cut(model)
        small.config.num_hidden_layers = 1
        return small


def test_a_result_that_would_load_as_another_model_is_refused(context):
    plan = planned(context, pair())
    with pytest.raises(ParityError, match=r"checkpoint would not load"):
        train_with_gates(*pair(), plan, context, Forgetful(**plan.config.gating().model_dump()))


def test_facts_say_what_stayed_and_what_the_gates_were(context):
    given = pair()
    plan = planned(context, given, shape="free")
    model, _ = METHOD.apply(*given, plan, context)
    facts = json.loads((context.directory / "facts.json").read_text("utf-8"))
    assert facts["num_kept_by_layer"] == {
        "heads": list(view(model).num_heads),
        "neurons": list(view(model).ffn_sizes),
    }
    assert [sum(facts["num_kept_by_layer"][kind]) for kind in ("heads", "neurons")] == [4, 40]
    gates = facts["gates"]["neurons"]
    assert gates["num_closed"] + gates["num_open"] + sum(gates["num_between_by_tenths"]) == 96
    assert sum(map(torch.Tensor.numel, model.parameters())) == plan.num_parameters_after
    assert gates["target_removed_share"] == pytest.approx(1 - 40 / 96)
    with pytest.raises(NoEffectError, match=r"num_heads 2[\s\S]*4 of 4"):
        planned(context, (model, given[1]), shape="free")
