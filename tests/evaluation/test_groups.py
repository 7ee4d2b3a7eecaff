import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from tests.evaluation.long_form import rows
from tinyglot.errors import ComparisonError, NonFiniteScoreError
from tinyglot.evaluation.groups import (
    bin_languages,
    group_gaps,
    group_languages,
    group_scores,
    quantile_edges,
)

SCORES = rows(("swh-Latn", 0.9, 100), ("yor-Latn", 0.5, 300), ("tam-Taml", 0.6, 100))
GROUPS = {"swh-Latn": "Latn", "yor-Latn": "Latn", "tam-Taml": "Brahmic"}


def test_every_language_of_a_group_counts_once():
    """Deviation of .9 and .5 from .7, over n - 1: sqrt(2 x .2^2)."""
    latin, brahmic = group_scores(SCORES, GROUPS).to_dicts()
    assert latin["group"] == "Latn"
    assert latin["macro_average"] == pytest.approx(0.7)
    assert latin["standard_deviation"] == pytest.approx(0.08**0.5)
    assert (latin["worst_language"], latin["worst_value"]) == ("yor-Latn", 0.5)
    assert (latin["num_languages"], latin["n"]) == (2, 400)
    assert (brahmic["macro_average"], brahmic["standard_deviation"]) == (0.6, None)


def test_every_run_has_its_groups():
    both = pl.concat([SCORES, rows(("swh-Latn", 0.2, 10), model="small")])
    found = group_scores(both, GROUPS).select("model", "group", "num_languages").rows()
    assert found == [("m", "Latn", 2), ("small", "Latn", 1), ("m", "Brahmic", 1)]


def test_the_worst_of_losses_is_the_highest():
    [latin, _] = group_scores(SCORES, GROUPS, higher_is_better=False).to_dicts()
    assert (latin["worst_language"], latin["worst_value"]) == ("swh-Latn", 0.9)


@pytest.mark.parametrize(("higher_is_better", "best"), [(True, "Latn"), (False, "Brahmic")])
def test_the_gap_is_between_the_best_and_the_worst_group(higher_is_better, best):
    scores = group_scores(SCORES, GROUPS)
    [row] = group_gaps(scores, higher_is_better=higher_is_better).to_dicts()
    assert row["best_group"] == best
    assert sorted([row["best_value"], row["worst_value"]]) == pytest.approx([0.6, 0.7])
    assert row["gap"] == pytest.approx(0.1)


def test_a_single_group_has_no_gap():
    [row] = group_gaps(group_scores(SCORES, dict.fromkeys(GROUPS, "all"))).to_dicts()
    assert (row["best_group"], row["worst_group"], row["gap"]) == ("all", "all", 0.0)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("script", {"tam-Taml": "Brahmic", "hin-Deva": "Deva", "swh-Latn": "Latn"}),
        (
            "family",
            {"tam-Taml": "Dravidian", "hin-Deva": "Indo-European", "swh-Latn": "Niger-Congo"},
        ),
    ],
)
def test_languages_by_script_and_family(by, expected):
    assert list(group_languages(["sw", "hi", "ta"], by).items()) == list(expected.items())


def test_refuses_another_grouping():
    with pytest.raises(ComparisonError, match=r"'size'[\s\S]*script, family[\s\S]*bin_languages"):
        group_languages(["sw"], "size")


# --- bins ---------------------------------------------------------------------------------------


def test_a_number_on_an_edge_belongs_above():
    found = bin_languages({"d": 1000, "a": 99, "b": 100, "c": 999.5}, [100, 1000])
    assert list(found.items()) == [
        ("a", "< 100"),
        ("b", "[100, 1000)"),
        ("c", "[100, 1000)"),
        ("d", ">= 1000"),
    ]


numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(numbers, st.integers(2, 6))
def test_bins_by_quantile_hold_every_language_and_are_never_empty(values, num_bins):
    by_name = {f"l{k}": value for k, value in enumerate(values)}
    if num_bins > len(values) or len(set(values)) == 1:
        with pytest.raises(ComparisonError, match=f"{num_bins} bins for {len(values)} languages"):
            quantile_edges(by_name, num_bins)
        return
    edges = quantile_edges(by_name, num_bins)
    bins = np.searchsorted(edges, values, "right")
    assert set(bins) == set(range(len(edges) + 1))
    assert bin_languages(by_name, edges).keys() == by_name.keys()


def test_bins_by_quantile_are_about_equally_large():
    values = {f"l{k}": 2.0**k for k in range(10)}
    assert quantile_edges(values, 3) == [8.0, 64.0]


@pytest.mark.parametrize("edges", [[], [1, 1], [2, 1]])
def test_refuses_edges_that_do_not_ascend(edges):
    with pytest.raises(ComparisonError, match=r"do not ascend[\s\S]*got:      \["):
        bin_languages({"a": 1}, edges)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_numbers_of_languages_that_are_none(value):
    with pytest.raises(NonFiniteScoreError, match=rf"{value} of b, 1 of 2"):
        bin_languages({"a": 1, "b": value}, [2])


# --- refusals -----------------------------------------------------------------------------------


def test_refuses_a_language_without_a_group():
    with pytest.raises(ComparisonError, match=r"yor-Latn\n[\s\S]*all of 3 languages"):
        group_scores(SCORES, {"swh-Latn": "Latn", "tam-Taml": "Brahmic"})


@pytest.mark.parametrize("value", [np.nan, np.inf, None])
def test_refuses_a_score_that_is_no_number(value):
    broken = pl.concat([SCORES, rows(("hau-Latn", value, 5))])
    with pytest.raises(NonFiniteScoreError, match=rf"{value} of hau-Latn, 1 of 4"):
        group_scores(broken, {**GROUPS, "hau-Latn": "Latn"})


def test_refuses_a_language_that_stands_twice():
    with pytest.raises(ComparisonError, match=r"2 rows, such as \('m', 'f1', 0, 'swh-Latn'\)"):
        group_scores(pl.concat([SCORES, rows(("swh-Latn", 0.1, 5))]), GROUPS)
