"""Scores over seeds and sentences, and what a smaller model keeps of the original's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyglot.errors import UnpairedExamplesError
from tinyglot.evaluation.retention import mean_estimate, retentions, seeded_scores

RESAMPLES = 400


def accuracy(totals):
    return totals[..., 0] / totals[..., 1]


def counts(*right):
    """Counts of one training run: which examples are right."""
    return np.array([[one, 1] for one in right])


def two_models(seed=0, share=0.6):
    generator = np.random.default_rng(seed)
    dense = [counts(*generator.random(80) < 0.8) for _ in range(3)]
    small = [counts(*generator.random(80) < share) for _ in range(3)]
    return dense, small


def test_the_score_is_the_mean_over_seeds_by_hand():
    models = [[counts(1, 1, 1, 1), counts(1, 1, 1, 0)], [counts(1, 0, 0, 0), counts(0, 0, 1, 1)]]
    found = seeded_scores(models, accuracy, 0, num_resamples=RESAMPLES)
    assert found.values.tolist() == [0.875, 0.375]
    assert retentions([found], 1).values.tolist() == [0.375 / 0.875]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_model_keeps_all_of_itself_exactly(data_seed, seed):
    dense, _ = two_models(data_seed)
    found = seeded_scores([dense, dense], accuracy, seed, num_resamples=50)
    kept = mean_estimate(retentions([found, found], 1))
    assert kept == (1.0, 1.0, 1.0)


def test_the_interval_holds_the_score_and_pairing_narrows_that_of_the_difference():
    generator = np.random.default_rng(1)
    hard = generator.random(200) < 0.5  # what is hard is hard for both models and all seeds
    dense = [counts(*(hard | (generator.random(200) < 0.1))) for _ in range(3)]
    small = [counts(*(hard & (generator.random(200) < 0.95))) for _ in range(3)]
    found = seeded_scores([dense, small], accuracy, 0, num_resamples=RESAMPLES)
    one, other = found.estimate(0), found.estimate(1)
    assert one.low < one.value < one.high
    kept = mean_estimate(retentions([found], 1))
    assert kept.low < kept.value < kept.high
    unpaired = (other.high / one.low) - (other.low / one.high)
    assert kept.high - kept.low < 0.6 * unpaired


def test_seeds_widen_the_interval():
    same = [counts(*([1] * 60 + [0] * 40))] * 3
    spread = [counts(*([1] * right + [0] * (100 - right))) for right in (30, 60, 90)]
    estimates = [
        seeded_scores([runs], accuracy, 0, num_resamples=RESAMPLES).estimate(0)
        for runs in (same, spread)
    ]
    assert estimates[0].value == estimates[1].value == pytest.approx(0.6)
    widths = [one.high - one.low for one in estimates]
    assert widths[1] > 1.5 * widths[0]


def test_every_task_counts_once():
    first, second = two_models(0, 0.4), two_models(1, 0.7)
    found = [
        seeded_scores(models, accuracy, 0, name, num_resamples=RESAMPLES)
        for name, models in (("topic", first), ("pos", second))
    ]
    kept = retentions(found, 1)
    assert mean_estimate(kept).value == pytest.approx(float(np.mean(kept.values)))
    assert kept.values.shape == (2,)
    assert kept.drawn.shape == (RESAMPLES, 2)


def test_other_names_give_other_draws_and_the_same_name_the_same():
    models = two_models()
    found = [
        seeded_scores(models, accuracy, 0, name, num_resamples=RESAMPLES).drawn.tolist()
        for name in ("topic", "topic", "pos")
    ]
    assert found[0] == found[1] != found[2]


def test_nothing_can_be_kept_of_a_score_of_zero():
    found = seeded_scores([[counts(0, 0)], [counts(1, 0)]], accuracy, 0, num_resamples=RESAMPLES)
    assert retentions([found], 1) is None
    assert retentions([], 1) is None
    rare = [[counts(1, 0, 0)], [counts(1, 1, 0)]]  # a third of the examples: often none of them
    assert retentions([seeded_scores(rare, accuracy, 0, num_resamples=RESAMPLES)], 1) is None


def test_a_resample_without_any_score_of_the_original_is_left_out():
    models = [[counts(*([1] * 6 + [0] * 6))], [counts(*([1] * 3 + [0] * 9))]]
    found = seeded_scores(models, accuracy, 0)
    assert 0 < int((found.drawn[:, 0] == 0).sum()) < 100
    kept = mean_estimate(retentions([found], 1))
    assert 0 <= kept.low < kept.value == 0.5 < kept.high < 1.01


def test_models_scored_on_other_examples_are_refused():
    with pytest.raises(UnpairedExamplesError, match=r"shape \[\(2, 2\), \(3, 2\)\], \[1\] seeds"):
        seeded_scores([[counts(1, 0)], [counts(1, 0, 1)]], accuracy, 0)
    with pytest.raises(UnpairedExamplesError, match=r"\[1, 2\] seeds"):
        seeded_scores([[counts(1, 0)], [counts(1, 0)] * 2], accuracy, 0)
