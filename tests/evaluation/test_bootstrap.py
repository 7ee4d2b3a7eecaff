import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tests.parity import assert_parity
from tinyglot.evaluation import bootstrap
from tinyglot.evaluation.bootstrap import bootstrap_interval


def accuracy(totals):
    return totals[..., 0] / totals[..., 1]


def right_of(*right):
    """One row an example: right, all."""
    return np.array([[value, 1] for value in right], dtype=np.int64)


def test_equals_resampling_one_by_one():
    """The same draws, written as a loop over resamples and examples."""
    counts = np.array([[1, 2], [0, 1], [3, 4], [2, 2]])
    generator = np.random.default_rng(7)
    scores = []
    for _ in range(1000):
        times = generator.multinomial(4, [0.25] * 4)
        drawn = [row for row, n in zip(counts.tolist(), times, strict=True) for _ in range(n)]
        scores.append(sum(right for right, _ in drawn) / sum(size for _, size in drawn))
    expected = np.quantile(scores, [0.025, 0.975])
    assert_parity(np.array(bootstrap_interval(counts, accuracy, seed=7)), expected, atol=1e-12)


def test_is_near_the_normal_interval_of_a_share():
    """1.96 standard errors of 0.7 from 400 examples are 0.0449."""
    counts = right_of(*[1] * 280, *[0] * 120)
    low, high = bootstrap_interval(counts, accuracy, seed=0)
    assert low == pytest.approx(0.7 - 0.0449, abs=0.006)
    assert high == pytest.approx(0.7 + 0.0449, abs=0.006)


def test_the_same_seed_gives_the_same_interval():
    counts = right_of(1, 0, 1, 1, 0, 0, 1)
    assert bootstrap_interval(counts, accuracy, 1) == bootstrap_interval(counts, accuracy, 1)


def test_another_seed_gives_another_interval():
    counts = right_of(*np.random.default_rng(0).integers(0, 2, 50))
    intervals = {bootstrap_interval(counts, accuracy, seed) for seed in range(5)}
    assert len(intervals) > 1


def test_memory_limit_changes_no_number(monkeypatch):
    counts = right_of(1, 0, 1, 1, 0, 0, 1)
    at_once = bootstrap_interval(counts, accuracy, 3)
    monkeypatch.setattr(bootstrap, "MAX_CELLS", 30)
    assert bootstrap_interval(counts, accuracy, 3) == at_once


def test_a_single_example_has_no_spread():
    assert bootstrap_interval(right_of(1), accuracy, 0) == (1.0, 1.0)


def test_more_confidence_is_wider():
    counts = right_of(*[1, 0] * 40)
    narrow = bootstrap_interval(counts, accuracy, 0, confidence=0.5)
    wide = bootstrap_interval(counts, accuracy, 0, confidence=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_lies_between_the_worst_and_the_best_example(right):
    low, high = bootstrap_interval(right_of(*right), accuracy, 0, num_resamples=50)
    assert min(right) <= low <= high <= max(right)
