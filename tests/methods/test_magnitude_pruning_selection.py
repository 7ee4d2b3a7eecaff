import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinyglot.errors import TrainingDivergedError
from tinyglot.methods.magnitude_pruning.selection import REMOVED, allocate, select
from tinyglot.training.ramp import sparsity_at

SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any)
# few different values, so that most are tied; 1e-45 is the smallest float32 above zero
MAGNITUDES = st.sampled_from([0.0, 1e-45, 0.1, 0.25, 3.0, 1e30])


# --- ramps ---------------------------------------------------------------------------------------


def test_the_cubic_ramp_by_hand():
    # 1 - (3/4)^3 = 37/64, 1 - (1/2)^3 = 7/8, 1 - (1/4)^3 = 63/64
    found = [sparsity_at("cubic", 0.64, quarter / 4) for quarter in (1, 2, 3, 4)]
    assert found == pytest.approx([0.37, 0.56, 0.63, 0.64])


def test_the_linear_and_the_one_shot_ramp():
    assert [sparsity_at("linear", 0.8, progress) for progress in (0.25, 0.5, 1)] == [0.2, 0.4, 0.8]
    assert {sparsity_at("one_shot", 0.8, progress) for progress in (0.01, 0.5, 1)} == {0.8}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["cubic", "linear", "one_shot"]), st.floats(0, 0.999), st.floats(0.001, 0.999)
)
def test_a_ramp_never_falls_and_ends_at_the_target(ramp, sparsity, progress):
    before = sparsity_at(ramp, sparsity, progress)
    assert 0 <= before <= sparsity_at(ramp, sparsity, 1.0) == sparsity


# --- shares of groups ----------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(SIZES, st.data())
def test_shares_add_up_and_fit(sizes, data):
    total = data.draw(st.integers(0, sum(sizes)))
    counts = allocate(sizes, total)
    assert sum(counts) == total
    assert all(0 <= count <= size for count, size in zip(counts, sizes, strict=True))


@settings(max_examples=40, deadline=None)
@given(SIZES, st.data())
def test_a_larger_total_takes_no_less_from_any_group(sizes, data):
    total = data.draw(st.integers(0, sum(sizes) - 1))
    pairs = zip(allocate(sizes, total), allocate(sizes, total + 1), strict=True)
    assert sorted(after - before for before, after in pairs) == [0] * (len(sizes) - 1) + [1]


def test_shares_follow_the_sizes():
    assert allocate([1000, 500, 10], 755) == [500, 250, 5]
    assert allocate([3, 3, 3], 2) == [1, 1, 0]  # equal claims: the first ones
    assert allocate([5], 0) == [0]


# --- the smallest --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(arrays("float32", st.integers(1, 50), elements=MAGNITUDES), st.data())
def test_exactly_so_many_of_the_smallest_go_ties_by_place(values, data):
    num_removed = data.draw(st.integers(0, len(values)))
    found = select(torch.from_numpy(values), num_removed)
    order = sorted(range(len(values)), key=lambda place: (values[place], place))
    expected = torch.ones(len(values), dtype=torch.bool)
    expected[order[:num_removed]] = False
    assert torch.equal(found.keep, expected)


@settings(max_examples=40, deadline=None)
@given(
    arrays("float32", st.integers(1, 30), elements=MAGNITUDES),
    arrays("float32", st.integers(0, 30), elements=MAGNITUDES),
    st.data(),
)
def test_frozen_weights_count_and_go_after_trained_ones(values, frozen, data):
    num_removed = data.draw(st.integers(0, len(values) + len(frozen)))
    found = select(torch.from_numpy(values), num_removed, torch.from_numpy(frozen).sort().values)
    both = [(value, 0, place) for place, value in enumerate(values)]
    both += [(value, 1, place) for place, value in enumerate(sorted(frozen))]
    chosen = sorted(both)[:num_removed]
    expected = {place for _, is_frozen, place in chosen if not is_frozen}
    assert set((~found.keep).nonzero().flatten().tolist()) == expected
    assert found.num_frozen_removed == num_removed - len(expected)


@settings(max_examples=40, deadline=None)
@given(arrays("float32", st.integers(2, 40), elements=MAGNITUDES), st.data())
def test_more_removes_what_less_removed_and_more(values, data):
    more = data.draw(st.integers(1, len(values)))
    less = data.draw(st.integers(0, more))
    magnitudes = torch.from_numpy(values)
    kept_by_more, kept_by_less = (select(magnitudes, number).keep for number in (more, less))
    assert bool((kept_by_less | ~kept_by_more).all())


def test_what_was_removed_goes_again_before_any_zero():
    magnitudes = torch.tensor([0.0, REMOVED, 0.0, 2.0, REMOVED])
    assert select(magnitudes, 2).keep.tolist() == [True, False, True, True, False]
    assert select(magnitudes, 3).keep.tolist() == [False, False, True, True, False]


def test_frozen_weights_that_went_go_again():
    frozen = torch.tensor([5.0, 6.0, 7.0])
    found = select(torch.tensor([1.0, 2.0]), 3, frozen, num_frozen_removed=2)
    assert found.keep.tolist() == [False, True]
    assert found.num_frozen_removed == 2


def test_neighbouring_floats_are_told_apart():
    one = torch.tensor(1.0)
    above = torch.nextafter(one, torch.tensor(2.0))
    assert select(torch.stack([above, one, above]), 1).keep.tolist() == [True, False, True]


def test_weights_that_are_no_numbers_are_refused():
    magnitudes = torch.tensor([1.0, float("nan"), float("nan")])
    assert select(magnitudes, 1).keep.tolist() == [False, True, True]
    with pytest.raises(TrainingDivergedError, match=r"1 weights[\s\S]*at least 2"):
        select(magnitudes, 2)
