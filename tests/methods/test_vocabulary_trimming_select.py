"""Choosing tokens from counts, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyglot.errors import VocabularySizeError
from tinyglot.methods.vocabulary_trimming.select import (
    RankedTokens,
    fill,
    joint_ranking,
    most_frequent,
    rank_tokens,
)
from tinyglot.methods.vocabulary_trimming.token_ranges import read_ranges, write_ranges


def ranked(*counts: int) -> RankedTokens:
    return rank_tokens(np.array(counts, dtype=np.int64))


def alone(ids) -> frozenset[int]:
    """The closure of a tokenizer whose tokens need nothing."""
    return frozenset(ids)


def with_parents(ids) -> frozenset[int]:
    """Token 9 is made of 7 and 8, token 8 of 1 and 2."""
    parents = {9: {7, 8, 1, 2}, 8: {1, 2}}
    return frozenset(ids).union(*(parents.get(i, set()) for i in ids))


# --- by frequency ------------------------------------------------------------------------------


def test_tokens_come_by_falling_count_then_by_rising_id():
    tokens = ranked(2, 0, 5, 2, 5)
    assert tokens.token_ids.tolist() == [2, 4, 0, 3]
    assert tokens.counts.tolist() == [5, 5, 2, 2]


@pytest.mark.parametrize(
    ("coverage", "kept"),
    [
        (1.0, [0, 3, 2, 4]),
        (0.99, [0, 3, 2]),  # 60 + 30 + 9
        (0.98, [0, 3, 2]),
        (0.9, [0, 3]),  # 60 + 30
        (0.8, [0, 3]),
        (0.6, [0]),
        (0.07, [0]),
    ],
)
def test_the_fewest_tokens_that_reach_the_coverage(coverage, kept):
    tokens = ranked(60, 0, 9, 30, 1)
    assert most_frequent(tokens, coverage) == kept


def test_coverage_is_exact_where_floats_are_not():
    assert 0.07 * 100 > 7
    assert most_frequent(ranked(7, 0, 6, *[1] * 87), 0.07) == [0]


def test_full_coverage_keeps_a_token_that_occurs_once_in_a_trillion():
    assert most_frequent(ranked(10**15, 1), 1.0) == [0, 1]


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any),
    st.floats(0.01, 1.0),
)
def test_one_token_less_would_not_be_enough(counts, coverage):
    kept = most_frequent(ranked(*counts), coverage)
    reached = sum(counts[i] for i in kept) / sum(counts)
    assert reached >= coverage - 1e-9
    assert reached - counts[kept[-1]] / sum(counts) < coverage


# --- several languages -------------------------------------------------------------------------


def test_every_language_weighs_the_same_however_long_its_text():
    texts = {"swh-Latn": ranked(600, 300, 0, 100), "mlt-Latn": ranked(0, 1, 7, 2)}
    chosen = {"swh-Latn": [0, 1, 3], "mlt-Latn": [1, 2, 3]}
    # shares: token 0: .6; 1: .3 + .1; 2: .7; 3: .1 + .2
    assert joint_ranking(texts, chosen) == [2, 0, 1, 3]


def test_what_a_language_did_not_choose_does_not_count_for_it():
    texts = {"swh-Latn": ranked(6, 3, 1), "mlt-Latn": ranked(0, 1, 9)}
    chosen = {"swh-Latn": [0], "mlt-Latn": [2, 1]}
    assert joint_ranking(texts, chosen) == [2, 0, 1]


def test_equal_weights_come_by_rising_id_in_any_order_of_the_languages():
    texts = {"c": ranked(1, 2, 0), "a": ranked(0, 2, 1), "b": ranked(1, 0, 2)}
    chosen = {tag: text.token_ids.tolist() for tag, text in texts.items()}
    assert joint_ranking(texts, chosen) == [1, 2, 0]
    backwards = dict(reversed(texts.items()))
    assert joint_ranking(backwards, chosen) == [1, 2, 0]
    alike = {"b": ranked(3, 3, 3), "a": ranked(1, 1, 1)}
    assert joint_ranking(alike, {"a": [2, 0, 1], "b": [1, 0, 2]}) == [0, 1, 2]


def test_merge_parents_that_never_occur_have_no_rank():
    assert joint_ranking({"a": ranked(5, 0, 3)}, {"a": frozenset({0, 1, 2})}) == [0, 2]


# --- filling -----------------------------------------------------------------------------------


def test_without_a_limit_everything_stays():
    assert fill({5}, [9, 3], None, with_parents) == {5, 9, 7, 8, 1, 2, 3}


@pytest.mark.parametrize(("size", "kept"), [(2, {4, 5}), (3, {4, 5, 9}), (5, {3, 4, 5, 9, 2})])
def test_as_many_as_fit_the_best_first(size, kept):
    assert fill({4, 5}, [9, 4, 3, 2], size, alone) == kept


def test_a_token_brings_its_parents_and_they_count():
    assert fill({0}, [9, 6], 6, with_parents) == {0, 9, 7, 8, 1, 2}


def test_a_token_with_too_many_parents_gives_way_to_the_next_ones():
    # 9 needs five places and 8 three: two are left
    assert fill({0}, [9, 8, 6, 5], 3, with_parents) == {0, 6, 5}


def test_parents_that_are_there_need_no_room():
    assert fill({0}, [8, 9], 6, with_parents) == {0, 8, 1, 2, 9, 7}


@given(st.sets(st.integers(0, 12)), st.permutations(range(13)), st.integers(1, 13))
def test_the_size_is_reached_if_there_are_enough_single_tokens(base, ranking, size):
    closed = with_parents(base)
    size = max(size, len(closed))
    kept = fill(base, ranking, size, with_parents)
    assert len(kept) == size
    assert closed <= kept == with_parents(kept)


def test_a_size_below_what_must_stay_is_refused_with_the_smallest_that_will_do():
    with pytest.raises(
        VocabularySizeError,
        match=r"max_vocabulary_size 3[\s\S]*at least 4[\s\S]*max_vocabulary_size: 4, or keep",
    ):
        fill({0, 8}, [], 3, with_parents)


# --- ranges ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "text"), [([7], "7"), ([0, 1, 2], "0-2"), ([0, 2, 3, 9], "0 2-3 9"), ([4, 6], "4 6")]
)
def test_token_ids_are_written_as_ranges(ids, text):
    assert write_ranges(ids) == text
    assert read_ranges(text) == tuple(ids)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_ranges_give_the_ids_back(ids):
    assert read_ranges(write_ranges(sorted(ids))) == tuple(sorted(ids))
