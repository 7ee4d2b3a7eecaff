import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyglot.data.sampling import choose_examples, sampled_counts
from tinyglot.errors import RecipeError

SIZES = {"eng-Latn": 900, "swh-Latn": 100}
TAGS = ["eng-Latn", "swh-Latn", "yor-Latn", "amh-Ethi", "tha-Thai"]


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, [900, 100]),
        ({"total": 100}, [90, 10]),
        ({"total": 200, "temperature": 2.0}, [150, 50]),
        ({"temperature": 2.0}, [300, 100]),
        ({"temperature": math.inf}, [100, 100]),
        ({"total": 100, "temperature": math.inf}, [50, 50]),
        ({"total": 500, "temperature": math.inf}, [400, 100]),
        ({"total": 5000}, [900, 100]),
        ({"cap": 300, "total": 1000}, [300, 100]),
        ({"cap": 300}, [300, 100]),
        ({"cap": 400, "temperature": 2.0}, [200, 100]),
        ({"total": 1}, [1, 0]),
        ({"total": 7, "temperature": 1e-3}, [7, 0]),
        ({"total": 905, "temperature": 1e-3}, [900, 5]),
    ],
)
def test_counts_worked_out_by_hand(options, counts):
    assert list(sampled_counts(SIZES, **options).values()) == counts


def test_xlm_r_exponent_is_one_over_temperature():
    sizes = {"a": 10**6, "b": 10**4}
    counts = sampled_counts(sizes, total=1000, temperature=1 / 0.3)
    share = 10 ** (6 * 0.3) / (10 ** (6 * 0.3) + 10 ** (4 * 0.3))
    assert counts["a"] == round(1000 * share)


def test_a_language_without_examples_has_none():
    assert sampled_counts({"a": 0, "b": 5}, total=3) == {"a": 0, "b": 3}
    assert sampled_counts({"a": 0}) == {"a": 0}


sizes_drawn = st.dictionaries(st.sampled_from(TAGS), st.integers(0, 10**6), min_size=1)
temperatures = st.floats(0.05, 100.0)


@given(sizes_drawn, st.integers(1, 10**6), temperatures, st.none() | st.integers(1, 10**5))
def test_counts_add_up_and_no_language_gives_more_than_it_has(sizes, total, temperature, cap):
    counts = sampled_counts(sizes, total=total, temperature=temperature, cap=cap)
    limits = {tag: min(size, cap or size) for tag, size in sizes.items()}
    assert list(counts) == list(sizes)
    assert sum(counts.values()) == min(total, sum(limits.values()))
    assert all(0 <= counts[tag] <= limits[tag] for tag in sizes)


@given(sizes_drawn, st.integers(1, 10**6), temperatures)
def test_a_larger_language_never_gives_fewer(sizes, total, temperature):
    counts = sampled_counts(sizes, total=total, temperature=temperature)
    ordered = sorted(sizes, key=lambda tag: sizes[tag])
    pairs = list(itertools.pairwise(ordered))
    assert all(counts[a] <= counts[b] + 1 for a, b in pairs)


@given(st.integers(0, 40), st.integers(0, 2**31))
def test_the_choice_is_seeded_ordered_and_without_repeats(count, seed):
    examples = list(range(40))
    chosen = choose_examples(examples, count, seed, "swh-Latn")
    assert chosen == choose_examples(examples, count, seed, "swh-Latn")
    assert chosen == sorted(set(chosen))
    assert len(chosen) == count


def test_another_seed_or_language_chooses_others():
    examples = list(range(1000))
    chosen = [
        choose_examples(examples, 20, seed, tag) for seed in (0, 1) for tag in ("swh-Latn", "hau")
    ]
    assert len({tuple(items) for items in chosen}) == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"temperature": 0.0}, "temperature 0.0"),
        ({"temperature": math.nan}, "temperature nan"),
        ({"total": 0}, "total 0"),
        ({"cap": 0}, "cap 0"),
    ],
)
def test_refuses_numbers_out_of_range(options, text):
    with pytest.raises(RecipeError, match="share the examples") as caught:
        sampled_counts(SIZES, **options)
    assert caught.value.got == text


def test_refuses_negative_sizes():
    with pytest.raises(RecipeError, match="-1 examples in swh-Latn"):
        sampled_counts({"swh-Latn": -1})


def test_refuses_to_choose_more_than_there_are():
    with pytest.raises(RecipeError, match=r"5 of 4[\s\S]*0 to 4"):
        choose_examples([1, 2, 3, 4], 5, 0, "swh-Latn")
