import math

import numpy as np
import pytest
import torch

from tests.parity import assert_parity

REFERENCE = torch.tensor([0.0, 1.0, 2.0])


def test_equal_tensors_pass():
    assert_parity(REFERENCE.clone(), REFERENCE)
    assert REFERENCE.tolist() == [0.0, 1.0, 2.0]


def test_one_different_value_fails():
    with pytest.raises(AssertionError, match="not equal"):
        assert_parity(torch.tensor([0.0, 1.0, 2.0001]), REFERENCE)


def test_a_difference_below_atol_passes_and_above_fails():
    assert_parity(torch.tensor([0.0, 1.0, 2.01]), REFERENCE, atol=0.015)
    with pytest.raises(AssertionError, match="not close"):
        assert_parity(torch.tensor([0.0, 1.0, 2.02]), REFERENCE, atol=0.015)


def test_empty_comparison_is_refused():
    with pytest.raises(AssertionError, match="0 elements"):
        assert_parity(torch.empty(0, 3), torch.empty(0, 3))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_reference_is_refused(value):
    reference = torch.tensor([0.0, value])
    with pytest.raises(AssertionError, match="not finite"):
        assert_parity(reference.clone(), reference)


def test_broadcast_is_refused():
    with pytest.raises(AssertionError, match=r"\(1, 3\), expected \(3,\)"):
        assert_parity(REFERENCE[None], REFERENCE)


def test_atol_above_one_percent_of_the_spread_is_refused():
    with pytest.raises(AssertionError, match=r"atol 0.3 exceeds 1% of the spread 2"):
        assert_parity(REFERENCE.clone(), REFERENCE, atol=0.3)


def test_non_finite_actual_fails():
    with pytest.raises(AssertionError, match="not close"):
        assert_parity(torch.tensor([0.0, 1.0, math.nan]), REFERENCE, atol=0.01)


def test_another_dtype_fails():
    with pytest.raises(AssertionError, match="dtype"):
        assert_parity(REFERENCE.double(), REFERENCE)


def test_numpy_arrays_are_compared_too():
    with pytest.raises(AssertionError, match="not equal"):
        assert_parity(np.array([1, 2]), np.array([1, 3]))
