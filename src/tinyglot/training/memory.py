"""Keeps the memory of one training step for the next, where the C library is glibc."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
_NEVER = -1


@contextmanager
def kept_memory() -> Iterator[None]:
    """Have freed memory reused inside, instead of given back and asked for again in every step.

    A step frees all its activations and gradients. Given back to the system, their pages come anew
    in the next step, zeroed one by one, which costs more than filling them. Changes no number.
    Afterwards the free memory is given back, and the thresholds are those that glibc chooses by
    itself once a process has freed a large block. Does nothing with another C library.

    Yields:
        Nothing.

    References:
        mallopt(3), M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    library.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        library.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_MMAP_THRESHOLD)
        library.malloc_trim(ctypes.c_size_t(0))
