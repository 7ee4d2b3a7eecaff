import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
from hypothesis import given

from tests.parity import assert_parity
from tinyglot.errors import NoExamplesError, NonFiniteScoreError
from tinyglot.evaluation import bootstrap
from tinyglot.evaluation.bootstrap import bootstrap_interval


def accuracy(totals):
    return totals[..., 0] / totals[..., 1]


def right_of(*right):
    """One row an example: right, all."""
    return np.array([[value, 1] for value in right], dtype=np.int64)


def one_by_one(counts, generator):
    """1000 resamples as a loop: draw an example, add its counts, do it again."""
    for _ in range(1000):
        drawn = [counts[generator.integers(len(counts))] for _ in counts]
        yield accuracy(np.sum(drawn, axis=0))


def test_equals_resampling_one_by_one():
    """The same draws, for examples that are all of a kind of their own."""
    counts = np.array([[0, 1], [1, 2], [2, 2], [3, 4]])
    expected = np.quantile(list(one_by_one(counts, np.random.default_rng(7))), [0.025, 0.975])
    interval = bootstrap_interval(counts, accuracy, seed=7, num_resamples=1000)
    assert_parity(np.array(interval), expected, atol=1e-12)


@pytest.mark.parametrize("num_kinds", [3, 200])
def test_agrees_with_scipy(num_kinds):
    """Both estimate the same percentiles; 0.003 is five times their Monte-Carlo error."""
    generator = np.random.default_rng(1)
    size = generator.integers(1, num_kinds, 400)
    counts = np.stack([generator.binomial(size, 0.6), size], axis=1)
    reference = scipy.stats.bootstrap(
        (counts[:, 0], counts[:, 1]),
        lambda right, size, axis: right.sum(axis=axis) / size.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=generator,
    ).confidence_interval
    interval = bootstrap_interval(counts, accuracy, seed=0)
    spread = reference.high - reference.low
    assert interval == pytest.approx(tuple(reference), abs=0.03 * spread)


@pytest.mark.parametrize("num_kinds", [2, 300])
def test_each_example_is_drawn_once_a_resample_on_average(num_kinds):
    """And as a binomial distribution wants it: the variance of its number is 1 - 1/n."""
    kinds = np.eye(num_kinds)[np.arange(300) % num_kinds]
    drawn = bootstrap.resampled_totals(kinds, 0, 20_000)
    assert (drawn.sum(axis=1) == 300).all()
    share = 1 / num_kinds
    assert drawn.mean(axis=0) == pytest.approx(300 * share, rel=0.05)
    assert drawn.var(axis=0) == pytest.approx(300 * share * (1 - share), rel=0.08)


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
    intervals = {bootstrap_interval(counts, accuracy, seed, 100) for seed in range(5)}
    assert len(intervals) > 1


@pytest.mark.parametrize("num_examples", [7, 100])
def test_memory_limit_changes_no_number(monkeypatch, num_examples):
    counts = right_of(*np.random.default_rng(0).integers(0, 2, num_examples))
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


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.randoms())
def test_order_of_the_examples_does_not_matter(right, random):
    counts = np.array([[value, 9] for value in right])
    shuffled = random.sample(counts.tolist(), len(right))
    intervals = [bootstrap_interval(np.array(c), accuracy, 0, 50) for c in (counts, shuffled)]
    assert intervals[0] == intervals[1]


def test_refuses_no_examples():
    with pytest.raises(NoExamplesError, match=r"0 examples[\s\S]*at least 1"):
        bootstrap_interval(np.empty((0, 2)), accuracy, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_counts_that_are_no_number(value):
    with pytest.raises(NonFiniteScoreError, match=rf"\[{value}, 1.0\] at example 1, 1 of 3"):
        bootstrap_interval(np.array([[1, 1], [value, 1], [0, 1]]), accuracy, 0)


def test_refuses_scores_that_are_no_number():
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(NonFiniteScoreError, match=r"nan from the counts \[0.0, 0.0\], 10 of 10"),
    ):
        bootstrap_interval(np.zeros((3, 2)), accuracy, 0, num_resamples=10)
