import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinyglot.checkpoints.bitmask import bitmask, count_kept, spread

WORDS = st.sampled_from([np.uint8, np.uint16, np.uint32, np.uint64])


@st.composite
def words(draw):
    dtype = draw(WORDS)
    values = st.one_of(st.just(0), st.integers(0, np.iinfo(dtype).max))
    return draw(hnp.arrays(dtype, st.integers(0, 70), elements=values))


@given(words())
def test_spreading_what_a_mask_keeps_gives_the_same_bits(dense):
    mask = bitmask(dense)
    assert len(mask) == -(-len(dense) // 8)
    again = spread(mask, dense[dense != 0], len(dense))
    assert (again.dtype, again.tolist()) == (dense.dtype, dense.tolist())
    assert count_kept(mask, len(dense)) == np.count_nonzero(dense)


def test_weight_i_is_bit_i_mod_8_of_byte_i_div_8():
    dense = np.zeros(20, np.uint32)
    dense[[0, 9, 19]] = 1
    assert bitmask(dense).tolist() == [0b1, 0b10, 0b1000]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_only_a_value_without_any_bit_is_left_out(dtype):
    values = np.array([0.0, -0.0, np.nan, np.finfo(dtype).smallest_subnormal, -np.inf], dtype)
    assert bitmask(values.view(f"u{values.itemsize}")).tolist() == [0b11110]


def test_bits_beyond_the_last_value_do_not_count():
    assert count_kept(np.array([0, 0b11111111], np.uint8), 11) == 3
    assert count_kept(np.array([0b11111111], np.uint8), 8) == 8
    assert count_kept(np.array([], np.uint8), 0) == 0
