import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis.extra.numpy import arrays

from tests.parity import assert_parity
from tinyglot.errors import NoExamplesError, NonFiniteScoreError, UnpairedExamplesError
from tinyglot.evaluation.differences import (
    Difference,
    examples_needed,
    holm,
    paired_difference,
    permutation_p_value,
)


def accuracy(totals):
    return totals[..., 0] / totals[..., 1]


def f1(totals):
    return 2 * totals[..., 0] / np.maximum(1, totals[..., 1] + totals[..., 2])


def right_of(right):
    return np.stack([np.asarray(right), np.ones(len(right))], axis=1)


def two_models(n, shares=(0.8, 0.7), seed=0):
    """Answers of two models to the same questions, alike in most."""
    difficulty, *luck = np.random.default_rng(seed).random((3, n))
    return [
        right_of(0.8 * difficulty + 0.2 * own < share)
        for own, share in zip(luck, shares, strict=True)
    ]


count_rows = st.integers(1, 20).flatmap(
    lambda n: arrays(np.float64, (n, 3), elements=st.floats(0, 9, width=32))
)


# --- interval -----------------------------------------------------------------------------------


def test_scores_and_their_difference():
    found = paired_difference(right_of([1, 1, 1, 0]), right_of([1, 1, 0, 0]), accuracy, 0)
    assert found[:3] == (0.75, 0.5, -0.25)
    assert -1.0 <= found.low <= -0.25 <= found.high <= 0.0


@given(count_rows)
def test_a_model_does_not_differ_from_itself(counts):
    found = paired_difference(counts, counts.copy(), f1, 0, 100)
    assert found[2:] == (0.0, 0.0, 0.0)
    assert found.dense == found.small


@given(count_rows, st.data())
def test_the_other_way_round_has_the_other_sign(counts, data):
    other = data.draw(arrays(np.float64, counts.shape, elements=st.floats(0, 9, width=32)))
    found = paired_difference(counts, other, f1, 0, 100)
    assert found.delta == found.small - found.dense
    assert paired_difference(other, counts, f1, 0, 100).delta == -found.delta


def test_agrees_with_scipy():
    dense, small = two_models(500)
    reference = scipy.stats.bootstrap(
        (dense[:, 0], small[:, 0]),
        lambda a, b, axis: b.mean(axis=axis) - a.mean(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = paired_difference(dense, small, accuracy, 0)
    spread = reference.high - reference.low
    assert (found.low, found.high) == pytest.approx(tuple(reference), abs=0.05 * spread)


def test_agrees_with_a_loop_over_resamples():
    generator = np.random.default_rng(3)
    dense, small = (generator.integers(0, 4, (60, 3)) for _ in range(2))
    deltas = []
    for _ in range(5000):
        drawn = generator.integers(0, 60, 60)
        deltas.append(f1(small[drawn].sum(axis=0)) - f1(dense[drawn].sum(axis=0)))
    low, high = np.quantile(deltas, [0.05, 0.95])
    found = paired_difference(dense, small, f1, 0, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_pairing_is_narrower_than_two_intervals():
    """The answers of models that fail on the same questions vary together."""
    dense, small = two_models(400)
    paired = paired_difference(dense, small, accuracy, 0)
    apart = paired_difference(dense, small[::-1], accuracy, 0)
    assert paired.delta == apart.delta
    assert paired.high - paired.low < 0.7 * (apart.high - apart.low)


def test_refuses_models_with_other_examples():
    with pytest.raises(UnpairedExamplesError, match=r"\(3, 2\) and \(2, 2\)"):
        paired_difference(right_of([1, 1, 0]), right_of([1, 0]), accuracy, 0)


def test_refuses_no_examples():
    with pytest.raises(NoExamplesError, match=r"0 examples[\s\S]*at least 1"):
        paired_difference(right_of([]), right_of([]), accuracy, 0)


def test_refuses_counts_of_one_model_that_are_no_number():
    with pytest.raises(NonFiniteScoreError, match=r"\[nan, 1.0\] at example 1, 1 of 2"):
        permutation_p_value(right_of([1, 0]), right_of([1, np.nan]), accuracy, 0)


# --- permutation test ---------------------------------------------------------------------------


def test_equals_the_share_of_all_swaps():
    """Twelve sentences: all 4096 ways to swap them, one by one."""
    generator = np.random.default_rng(4)
    dense, small = (generator.integers(0, 4, (12, 3)).astype(float) for _ in range(2))
    observed = abs(f1(small.sum(axis=0)) - f1(dense.sum(axis=0)))
    extreme = 0
    for swapped in itertools.product([False, True], repeat=12):
        first = np.where(np.array(swapped)[:, None], small, dense).sum(axis=0)
        second = np.where(np.array(swapped)[:, None], dense, small).sum(axis=0)
        extreme += abs(f1(second) - f1(first)) >= observed - 1e-12
    found = permutation_p_value(dense, small, f1, 0, 40_000)
    assert found == pytest.approx(extreme / 4096, abs=0.012)


def test_agrees_with_scipys_permutation_test():
    dense, small = two_models(80, (0.8, 0.76))
    reference = scipy.stats.permutation_test(
        (dense[:, 0], small[:, 0]),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    found = permutation_p_value(dense, small, accuracy, 0, 20_000)
    assert 0.005 < reference.pvalue < 0.7
    assert found == pytest.approx(reference.pvalue, abs=0.012)


def test_five_sentences_that_all_became_wrong_prove_nothing():
    """Two of the 32 ways to swap five sentences are this extreme: 0.0625."""
    found = permutation_p_value(right_of([1] * 5), right_of([0] * 5), accuracy, 0, 40_000)
    assert found == pytest.approx(2 / 32, abs=0.005)


@given(count_rows, st.integers(1, 200))
def test_a_p_value_is_never_zero_and_that_of_a_model_and_itself_is_one(counts, num):
    shuffled = np.random.default_rng(0).permutation(counts)
    assert 1 / (num + 1) <= permutation_p_value(counts, shuffled, f1, 0, num) <= 1.0
    assert permutation_p_value(counts, counts.copy(), f1, 0, num) == 1.0


def test_p_values_of_equal_models_are_uniform():
    """Of 300 pairs of equally good models, 5 % are below 0.05 and half below 0.5."""
    generator = np.random.default_rng(0)
    p_values = [
        permutation_p_value(*generator.poisson(2.0, (2, 60, 3)), f1, seed, 300)
        for seed in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.mean(np.array(p_values) <= 0.5) == pytest.approx(0.5, abs=0.1)


# --- Holm ---------------------------------------------------------------------------------------


def test_holm_by_hand():
    """Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, the last raised to .06."""
    assert_parity(np.array(holm([0.01, 0.04, 0.03, 0.005])), np.array([0.03, 0.06, 0.06, 0.02]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_keeps_the_order_and_lowers_nothing(p_values):
    adjusted = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    assert all(raw <= new <= 1.0 for raw, new in zip(p_values, adjusted, strict=True))
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level):
    """Holm (1979) as a procedure: from the smallest on, stop at the first that is too large."""
    rejected = set()
    for rank, position in enumerate(np.argsort(p_values, kind="stable").tolist()):
        if p_values[position] * (len(p_values) - rank) > level:
            break
        rejected.add(position)
    assert {i for i, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_holm_of_no_language_is_empty():
    assert holm([]) == []


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5])
def test_holm_refuses_what_is_no_probability(value):
    with pytest.raises(NonFiniteScoreError, match=rf"{value}, 1 of 2[\s\S]*from 0 to 1"):
        holm([0.5, value])


# --- examples needed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "delta", "high", "limit", "needed"),
    [
        (-0.05, -0.01, 0.03, -0.02, 1600),  # arm 0.04, distance 0.01: 16 times as many
        (-0.05, -0.04, -0.01, -0.02, 225),  # arm 0.03, distance 0.02: 2.25 times as many
        (-0.01, 0.0, 0.01, -0.02, 25),  # enough: a quarter would do
        (-0.04, -0.02, 0.0, -0.02, None),  # the limit itself: no number is enough
    ],
)
def test_examples_that_would_be_needed(low, delta, high, limit, needed):
    assert examples_needed(Difference(0.8, 0.8 + delta, delta, low, high), limit, 100) == needed


def test_with_as_many_as_needed_the_interval_leaves_the_limit_out():
    dense, small = two_models(150, (0.8, 0.82))
    first = paired_difference(dense, small, accuracy, 0)
    assert first.low < -0.03 < first.delta
    needed = examples_needed(first, -0.03, 150)
    times = -(-needed // 150)
    more = paired_difference(np.tile(dense, (times, 1)), np.tile(small, (times, 1)), accuracy, 0)
    assert more.low >= -0.03
