import hypothesis.strategies as st
import pytest
from hypothesis import given

from tinyglot.evaluation.differences import Difference
from tinyglot.evaluation.verdicts import Allowance, Evidence, judge, least_examples

ALLOWED = Allowance(
    max_drop=0.02,
    confidence=0.95,
    is_share=True,
    higher_is_better=True,
    same_outputs=False,
    num_languages=2,
)


def difference(low, delta, high):
    return Difference(0.8, 0.8 + delta, delta, low, high)


def evidence(n, p_value, informative=None):
    return Evidence(n, n if informative is None else informative, p_value, p_value)


@pytest.mark.parametrize(
    ("low", "delta", "high", "p_value", "n", "expected"),
    [
        (-0.01, 0.0, 0.01, 1.0, 500, ("holds", None)),
        (-0.02, 0.0, 0.01, 1.0, 500, ("holds", None)),  # the largest drop itself is allowed
        (-0.06, -0.04, -0.021, 0.01, 500, ("loses", None)),
        (-0.06, -0.04, -0.02, 0.01, 500, ("inconclusive", 654)),  # 1.31 = (2.24 / 1.96) squared
        (-0.04, -0.01, 0.01, 0.3, 500, ("inconclusive", 4500)),  # arm .03, distance .01
        (0.0, 0.0, 0.0, 1.0, 20, ("inconclusive", 149)),  # 20 that agree exclude no 2 %
        (0.0, 0.0, 0.0, 1.0, 149, ("holds", None)),
        (0.05, 0.1, 0.15, 0.01, 20, ("holds", None)),  # better beyond doubt
        (-1.0, -1.0, -1.0, 0.06, 4, ("inconclusive", 7)),  # 2 x 2 / 2^7 < 0.05
    ],
)
def test_verdicts(low, delta, high, p_value, n, expected):
    verdict, needed = judge(difference(low, delta, high), evidence(n, p_value), ALLOWED)
    assert (verdict, needed) == (expected[0], pytest.approx(expected[1], abs=1))


def test_models_that_compute_the_same_hold_with_one_example():
    allowed = ALLOWED._replace(same_outputs=True, max_drop=0.0)
    assert judge(difference(0.0, 0.0, 0.0), evidence(1, 1.0), allowed) == ("holds", None)


@pytest.mark.parametrize(
    ("low", "delta", "high", "expected"),
    [
        (-0.01, 0.0, 0.015, "holds"),
        (0.03, 0.05, 0.07, "loses"),
        (-0.9, -0.8, -0.7, "holds"),
        (0.0, 0.01, 0.03, "inconclusive"),
    ],
)
def test_a_loss_must_not_rise(low, delta, high, expected):
    allowed = ALLOWED._replace(is_share=False, higher_is_better=False)
    assert judge(difference(low, delta, high), evidence(30, 0.001), allowed)[0] == expected


def test_where_no_drop_is_allowed_only_the_better_model_holds():
    allowed = ALLOWED._replace(max_drop=0.0)
    assert judge(difference(0.0, 0.0, 0.0), evidence(10**6, 1.0), allowed) == ("inconclusive", None)
    assert judge(difference(0.01, 0.02, 0.03), evidence(500, 0.001), allowed) == ("holds", None)
    assert judge(difference(-0.01, 0.01, 0.03), evidence(500, 0.4), allowed) == (
        "inconclusive",
        2000,
    )


@pytest.mark.parametrize(
    ("max_drop", "confidence", "least"), [(0.02, 0.95, 149), (0.01, 0.95, 299), (1.0, 0.95, 0)]
)
def test_as_many_examples_as_it_takes_to_see_the_drop(max_drop, confidence, least):
    allowed = ALLOWED._replace(max_drop=max_drop, confidence=confidence)
    assert least_examples(allowed) == least
    if least:
        assert (1 - max_drop) ** least <= 1 - confidence < (1 - max_drop) ** (least - 1)


def test_a_drop_that_is_real_but_may_be_allowed_is_no_loss():
    real = Evidence(500, 500, equal_p_value=0.001, allowed_p_value=0.06)
    verdict, needed = judge(difference(-0.06, -0.04, -0.021), real, ALLOWED)
    assert verdict == "inconclusive"
    assert needed > 500


@pytest.mark.parametrize(("informative", "needed"), [(0, None), (2, 22350), (148, 303)])
def test_sentences_without_anything_to_find_are_no_evidence(informative, needed):
    """149 sentences with an entity are needed; of 300, so many have one."""
    found = judge(difference(0.0, 0.0, 0.0), evidence(300, 1.0, informative), ALLOWED)
    assert found == ("inconclusive", needed)


def test_from_nothing_nothing_can_be_lost():
    nothing = Difference(0.0, 0.0, 0.0, 0.0, 0.0)
    assert judge(nothing, evidence(1000, 1.0), ALLOWED) == ("inconclusive", None)
    same = ALLOWED._replace(same_outputs=True)
    assert judge(nothing, evidence(1000, 1.0), same) == ("holds", None)


unit = st.floats(-1, 1)


@given(
    st.tuples(unit, unit, unit).map(sorted), st.floats(0, 1), st.integers(1, 10**5), st.booleans()
)
def test_only_what_is_undecided_needs_more_and_more_than_there_is(ends, p_value, n, higher):
    allowed = ALLOWED._replace(higher_is_better=higher)
    verdict, needed = judge(difference(*ends), evidence(n, p_value), allowed)
    assert (needed is None) or (verdict == "inconclusive" and needed > n)
    turned = difference(*(-end for end in reversed(ends)))
    other = allowed._replace(higher_is_better=not higher)
    assert judge(turned, evidence(n, p_value), other)[0] == verdict
