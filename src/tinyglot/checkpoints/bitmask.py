"""A tensor as one bit a weight and the values that are not zero; decided on bits, so exact."""

import numpy as np
from numpy.typing import NDArray

from tinyglot.checkpoints.tensor_file import Words


def bitmask(words: Words) -> NDArray[np.uint8]:
    """Say which values are kept: those that have any bit set.

    A value is left out only if all its bits are zero. ``-0.0`` has its sign bit set and is kept,
    and so is every NaN.

    Args:
        words: The values' bits, in one dimension.

    Returns:
        8 values a byte: value ``i`` is bit ``i % 8`` (the lowest is bit 0) of byte ``i // 8``;
        1 is kept. What is left of the last byte is 0.

    Example:
        >>> import numpy as np
        >>> values = np.array([0.0, 1.5, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0], np.float32)
        >>> bitmask(values.view(np.uint32))
        array([6, 1], dtype=uint8)
    """
    return np.packbits(words != 0, bitorder="little")


def spread(mask: NDArray[np.uint8], values: Words, num_values: int) -> Words:
    """Put kept values back to their places, zeros between them.

    Args:
        mask: From ``bitmask``.
        values: As many as the mask has ones.
        num_values: How many values there were.

    Returns:
        The values' bits, in one dimension.

    Example:
        >>> import numpy as np
        >>> spread(np.array([6], np.uint8), np.array([7, 9], np.uint16), 4)
        array([0, 7, 9, 0], dtype=uint16)
    """
    dense = np.zeros(num_values, values.dtype)
    dense[np.unpackbits(mask, count=num_values, bitorder="little").view(bool)] = values
    return dense


def count_kept(mask: NDArray[np.uint8], num_values: int) -> int:
    """Count the values that a mask keeps.

    Args:
        mask: From ``bitmask``.
        num_values: How many values it is for; bits beyond them do not count.

    Returns:
        The number of ones.

    Example:
        >>> count_kept(np.array([255, 3], np.uint8), 9)
        9
    """
    beyond = mask[-1:] >> num_values % 8 if num_values % 8 else mask[:0]
    return int(np.bitwise_count(mask).sum()) - int(np.bitwise_count(beyond).sum())
