"""Rising token ids as a short text, such as ``0-4 6 10-12``."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, PlainSerializer


def write_ranges(token_ids: Sequence[int]) -> str:
    """Write token ids as ranges.

    Args:
        token_ids: Rising.

    Returns:
        Ranges and single ids, separated by spaces.

    Example:
        >>> write_ranges([0, 1, 2, 5, 7, 8])
        '0-2 5 7-8'
    """
    ids = np.asarray(token_ids, dtype=np.int64)
    runs = np.split(ids, np.flatnonzero(np.diff(ids) != 1) + 1)
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def read_ranges(text: str) -> tuple[int, ...]:
    """Read what `write_ranges` wrote.

    Args:
        text: Ranges and single ids, separated by spaces.

    Returns:
        Token ids.

    Example:
        >>> read_ranges("0-2 5 7-8")
        (0, 1, 2, 5, 7, 8)
    """
    ends = [tuple(map(int, part.split("-"))) for part in text.split()]
    return tuple(token_id for run in ends for token_id in range(run[0], run[-1] + 1))


def _read_if_text(value: Any) -> Any:  # noqa: ANN401  (checked by pydantic afterwards)
    return read_ranges(value) if isinstance(value, str) else value


RisingTokenIds = Annotated[
    tuple[int, ...], BeforeValidator(_read_if_text), PlainSerializer(write_ranges, when_used="json")
]
"""A field type: token ids, in JSON written as ranges."""
