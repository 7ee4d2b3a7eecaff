import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from tests.evaluation.long_form import rows
from tinyglot.errors import ComparisonError, NonFiniteScoreError
from tinyglot.evaluation.rankings import attribute_correlation, ranking_agreement, relative_scores

DENSE = rows(("a", 0.8, 10), ("b", 0.6, 10), ("c", 0.4, 10), ("d", 0.2, 10), model="dense")


def small(*values):
    return rows(*[(tag, v, 10) for tag, v in zip("abcd", values, strict=False)], model="small")


def test_relative_difference_is_the_papers():
    """F1_sparse / F1_dense - 1, in per cent."""
    found = relative_scores(pl.concat([DENSE, small(0.4, 0.9)]), "dense")
    assert found["relative_difference_percent"].to_list() == pytest.approx([0] * 4 + [-50, 50])
    assert found["score_delta"].to_list() == pytest.approx([0] * 4 + [-0.4, 0.3])
    assert found["dense_value"].to_list()[-2:] == [0.8, 0.6]


def test_there_is_no_relative_difference_to_nothing():
    both = pl.concat([rows(("a", 0.0, 5), model="dense"), small(0.4)])
    found = relative_scores(both, "dense")
    assert found["relative_difference_percent"].to_list() == [None, None]
    assert found["score_delta"].to_list() == [0.0, 0.4]


def test_each_seed_is_compared_with_the_dense_model_of_that_seed():
    parts = [
        rows(("a", value, 5), model=model, seed=seed)
        for model, seed, value in [("dense", 0, 0.5), ("dense", 1, 0.8), ("small", 1, 0.4)]
    ]
    found = relative_scores(pl.concat(parts), "dense")
    assert found["relative_difference_percent"].to_list() == pytest.approx([0, 0, -50])


def test_refuses_a_dense_model_that_is_not_there():
    with pytest.raises(ComparisonError, match=r"4 of 4 rows[\s\S]*models dense[\s\S]*of densse"):
        relative_scores(DENSE, "densse")


def test_refuses_a_language_that_the_dense_model_lacks():
    both = pl.concat([DENSE, rows(("e", 0.1, 5), model="small")])
    with pytest.raises(ComparisonError, match=r"1 of 5 rows, such as small on e"):
        relative_scores(both, "dense")


# --- Kendall's tau --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "tau"),
    [
        ((0.7, 0.5, 0.3, 0.1), 1.0),
        ((0.1, 0.3, 0.5, 0.7), -1.0),
        ((0.5, 0.7, 0.3, 0.1), 4 / 6),  # one of six pairs is the other way round
        ((0.7, 0.5, 0.5, 0.1), 5 / 30**0.5),  # one tie: 5 / sqrt(6 x 5)
    ],
)
def test_tau_of_two_rankings_by_hand(values, tau):
    found = ranking_agreement(pl.concat([DENSE, small(*values)]), "dense")
    assert found["model"].to_list() == ["dense", "small"]
    assert found["tau"].to_list() == pytest.approx([1.0, tau])
    assert found["num_languages"].to_list() == [4, 4]


def test_equal_scores_rank_nothing():
    found = ranking_agreement(pl.concat([DENSE, small(0.5, 0.5, 0.5, 0.5)]), "dense")
    assert found["tau"].to_list() == [1.0, None]


def test_refuses_to_rank_two_languages():
    two = rows(("a", 0.1, 5), ("b", 0.2, 5), model="dense")
    with pytest.raises(ComparisonError, match=r"2 \(a, b\)[\s\S]*at least 3"):
        ranking_agreement(two, "dense")


# --- correlation with numbers of languages ------------------------------------------------------


def test_scores_that_follow_the_overlap():
    overlap = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}
    [row] = attribute_correlation(DENSE, overlap).to_dicts()
    assert (row["tau"], row["num_languages"]) == (1.0, 4)
    assert row["correlation"] == pytest.approx(1.0)
    assert row["correlation_p_value"] < row["p_value"] < 0.1


def test_any_added_column_can_be_related():
    both = relative_scores(pl.concat([DENSE, small(0.4, 0.45, 0.36, 0.2)]), "dense")
    sizes = {"a": 100, "b": 1000, "c": 5000, "d": 20000}
    found = attribute_correlation(both, sizes, "relative_difference_percent")
    assert found["tau"].to_list() == [None, 1.0]
    assert 0.5 < found["correlation"][1] < 1.0
    assert found["correlation"][0] is None


@given(st.permutations([0.1, 0.2, 0.3, 0.4]), st.sampled_from([2.0, 100.0]))
def test_no_scale_changes_a_correlation(scores, factor):
    numbers = dict(zip("abcd", (0.5, 0.1, 0.9, 0.3), strict=True))
    scaled = {tag: factor * value for tag, value in numbers.items()}
    first, second = (
        attribute_correlation(small(*scores), values).row(0, named=True)
        for values in (numbers, scaled)
    )
    assert first["tau"] == second["tau"]
    assert first["correlation"] == pytest.approx(second["correlation"])


def test_refuses_a_language_without_a_number():
    with pytest.raises(ComparisonError, match=r"got:      d\n"):
        attribute_correlation(DENSE, {"a": 1, "b": 2, "c": 3})


def test_refuses_a_number_that_is_none():
    with pytest.raises(NonFiniteScoreError, match=r"nan of d, 1 of 4"):
        attribute_correlation(DENSE, {"a": 1, "b": 2, "c": 3, "d": np.nan})
