"""Memory that one training step frees is there for the next."""

import platform
import resource

import pytest
import torch

from tinyglot.training.memory import kept_memory

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are"
)
_BLOCKS = 16
_BLOCK_BYTES = 12 * 2**20  # below glibc's largest threshold, far above its first one


def _page_faults() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(_BLOCK_BYTES, dtype=torch.uint8) for _ in range(_BLOCKS)]
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del blocks
    return faults


def test_pages_freed_inside_are_not_asked_for_again() -> None:
    with kept_memory():
        first = _page_faults()
        again = _page_faults()
    assert again < first / 10
    assert again < _BLOCKS * _BLOCK_BYTES / resource.getpagesize() / 10


def test_free_memory_is_given_back_at_the_end() -> None:
    with kept_memory():
        first = _page_faults()
    assert _page_faults() > first / 2


def test_free_memory_is_given_back_after_a_failure() -> None:
    faults: list[int] = []

    def fail() -> None:
        faults.append(_page_faults())
        raise ValueError("step 7")

    with pytest.raises(ValueError, match="step 7"), kept_memory():
        fail()
    assert _page_faults() > faults[0] / 2
