"""Truncation and padding, which a tokenizer remembers from its last call, out of the way."""

from collections.abc import Iterator
from contextlib import contextmanager

from tokenizers import Tokenizer


@contextmanager
def unlimited(backend: Tokenizer) -> Iterator[None]:
    """Switch truncation and padding off while the block runs, then restore them.

    Args:
        backend: The tokenizer behind a fast tokenizer.

    Yields:
        Nothing.
    """
    truncation, padding = backend.truncation, backend.padding
    backend.no_truncation()
    backend.no_padding()
    try:
        yield
    finally:
        if truncation is not None:
            backend.enable_truncation(**truncation)
        if padding is not None:
            backend.enable_padding(**padding)
