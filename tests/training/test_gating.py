"""How much stays, and in which steps that is learnt."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.tiny import tiny_model
from tinyglot.architectures import view
from tinyglot.errors import NoEffectError, PruningScheduleError, StructureRangeError
from tinyglot.importance import Gates, gated
from tinyglot.training.gating import (
    Budget,
    GatingOptions,
    absorb_gates_,
    check_shared_steps,
    make_gating_schedule,
    unit_budgets,
    unit_counts,
)
from tinyglot.training.gating.state import tensors_from_text, tensors_to_text
from tinyglot.training.trunk import Trunk

COUNTS = {"heads": (4, 4), "neurons": (48, 48)}


def kept(counts=COUNTS, **options):
    found = unit_budgets(counts, GatingOptions(**options))
    return {kind: budget.num_kept for kind, budget in found.items()}


# --- how much ------------------------------------------------------------------------------------


def test_a_ratio_is_rounded_in_each_layer_or_in_the_whole_model():
    assert kept(pruning_ratio=0.3) == {"heads": 6, "neurons": 68}  # 2.8 and 33.6 a layer
    assert kept(pruning_ratio=0.3, shape="free") == {"heads": 6, "neurons": 67}  # 5.6 and 67.2


def test_numbers_are_of_each_layer():
    assert kept(num_heads=3, ffn_size=5) == {"heads": 6, "neurons": 10}
    assert kept(num_heads=3, pruning_ratio=0.5) == {"heads": 6, "neurons": 48}
    assert kept(ffn_size=5, structures="neurons", shape="free") == {"neurons": 10}


def test_layers_that_differ_keep_a_number_that_all_have():
    counts = {"heads": (4, 1), "neurons": (48, 20)}
    assert kept(counts, pruning_ratio=0.5, structures="neurons") == {"neurons": 34}
    assert kept(counts, num_heads=1, ffn_size=20) == {"heads": 2, "neurons": 40}
    with pytest.raises(StructureRangeError, match=r"num_heads 2, [\s\S]*1 to 1 heads a layer"):
        kept(counts, num_heads=2, structures="heads")
    with pytest.raises(StructureRangeError, match=r"ffn_size 21, [\s\S]*1 to 20 neurons a layer"):
        kept(counts, num_heads=1, ffn_size=21)


def test_free_layers_that_differ_keep_any_number_up_to_all_but_one():
    uneven = {"structures": "heads", "shape": "free"}
    assert kept({"heads": (12,) * 11 + (7,)}, pruning_ratio=0.03, **uneven) == {"heads": 135}
    with pytest.raises(NoEffectError, match=r"pruning_ratio 0\.05: 9 of 9"):
        kept({"heads": (5, 4)}, pruning_ratio=0.05, **uneven)
    with pytest.raises(StructureRangeError, match=r"num_heads 5, .*: 5 a layer\n.*1 to 4 heads"):
        kept({"heads": (5, 4)}, num_heads=5, **uneven)
    with pytest.raises(StructureRangeError, match=r"0 a layer\n.*with more than one of the heads"):
        kept({"heads": (1, 1)}, pruning_ratio=0.9, **uneven)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 5, "ffn_size": 9}, r"prune heads: [\s\S]*num_heads 5[\s\S]*1 to 3 heads"),
        ({"pruning_ratio": 0.95}, r"pruning_ratio 0\.95: 0 a layer[\s\S]*a head in each layer"),
        ({"ffn_size": 49, "structures": "neurons"}, r"ffn_size 49[\s\S]*1 to 47 neurons a layer"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(options, message):
    with pytest.raises(StructureRangeError, match=message):
        kept(**options)


def test_a_kind_that_would_lose_nothing_is_refused():
    with pytest.raises(NoEffectError, match=r"prune heads: all[\s\S]*0\.1: 8 of 8"):
        kept(pruning_ratio=0.1)
    with pytest.raises(NoEffectError, match=r"ffn_size 48, [\s\S]*96 of 96"):
        kept(num_heads=1, ffn_size=48)
    found = unit_budgets(COUNTS, GatingOptions(pruning_ratio=0.1), allow_no_effect=True)
    assert found == {"heads": Budget((4, 4), 8), "neurons": Budget((48, 48), 86)}


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=6), data=st.data())
def test_a_spread_is_whole_and_as_even_as_the_layers_allow(counts, data):
    budget = Budget(tuple(counts), data.draw(st.integers(len(counts), sum(counts))))
    spread = budget.spread()
    assert sum(spread) == budget.num_kept
    assert all(1 <= kept <= count for kept, count in zip(spread, counts, strict=True))
    level = max(spread)
    assert all(kept >= min(count, level - 1) for kept, count in zip(spread, counts, strict=True))


@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    ratio=st.floats(0.01, 0.99),
    shape=st.sampled_from(["uniform", "free"]),
)
def test_whatever_is_not_refused_leaves_something_in_each_layer(counts, ratio, shape):
    try:
        (num_kept,) = kept(
            {"heads": counts}, pruning_ratio=ratio, structures="heads", shape=shape
        ).values()
    except (NoEffectError, StructureRangeError):
        return
    assert len(counts) <= num_kept < sum(counts)
    assert shape == "free" or num_kept // len(counts) <= min(counts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "how many heads and neurons stay is open"),
        ({"num_heads": 2}, "how many neurons stay is open"),
        ({"num_heads": 2, "ffn_size": 3, "pruning_ratio": 0.5}, "pruning_ratio decides nothing"),
        (
            {"num_heads": 2, "ffn_size": 3, "structures": "neurons"},
            "num_heads does not go with structures: neurons",
        ),
        (
            {"num_heads": 2, "ffn_size": 3, "structures": "heads"},
            "ffn_size does not go with structures: heads",
        ),
        (
            {"pruning_ratio": 0.5, "start_share": 0.5, "end_share": 0.5},
            r"end_share 0\.5 is not after start_share 0\.5",
        ),
        ({"pruning_ratio": 1.0}, "less than 1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        GatingOptions(**options)


# --- when ----------------------------------------------------------------------------------------


def test_shares_become_steps():
    schedule = make_gating_schedule(GatingOptions(pruning_ratio=0.5), 200)
    assert (schedule.start_step, schedule.end_step) == (20, 140)
    assert [schedule.progress(step) for step in (0, 20, 80, 140, 200)] == [0, 0, 0.5, 1, 1]


def test_a_training_that_is_too_short_is_refused():
    options = GatingOptions(pruning_ratio=0.5)
    assert make_gating_schedule(options, 2).end_step == 1
    with pytest.raises(PruningScheduleError, match=r"1 steps, gates learnt from step 0 to 1"):
        make_gating_schedule(options, 1)
    with pytest.raises(PruningScheduleError, match=r"140 steps[\s\S]*at least 141 steps"):
        make_gating_schedule(options, 200, stop_step=140)


def test_steps_shared_beyond_the_start_are_refused(tmp_path):
    schedule = make_gating_schedule(GatingOptions(pruning_ratio=0.5), 200)
    with pytest.raises(PruningScheduleError, match=r"from step 20 on[\s\S]*21 shared steps"):
        check_shared_steps(schedule, Trunk(tmp_path, 21))
    assert check_shared_steps(schedule, Trunk(tmp_path, 20)) is None


# --- in the model --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert", "deberta_v2"])
def test_absorbed_gates_compute_the_same(family):
    model = tiny_model(family, "token_classification").double()
    generator = torch.Generator().manual_seed(0)
    counts = unit_counts(model)
    gates = Gates(
        **{
            kind: [torch.rand(count, generator=generator) for count in each]
            for kind, each in counts.items()
        }
    )
    ids = torch.arange(5, 25).reshape(2, 10)
    with torch.no_grad():
        before = model(ids)[0]
        with gated(model, gates):
            expected = model(ids)[0]
        absorb_gates_(model, gates)
        actual = model(ids)[0]
    assert (before - expected).abs().max() > 1e-3
    assert (actual - expected).abs().max() < 1e-12
    assert unit_counts(model) == {"heads": view(model).num_heads, "neurons": view(model).ffn_sizes}


@given(st.lists(st.floats(width=32), max_size=20))
def test_tensors_survive_as_text_to_the_bit(values):
    tensor = torch.tensor(values)
    found = tensors_from_text(tensors_to_text({"a": tensor, "b": tensor[:1]}))
    assert torch.equal(found["a"].view(torch.int32), tensor.view(torch.int32))
    assert found["b"].shape == tensor[:1].shape
