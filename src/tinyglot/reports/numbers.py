"""Numbers as reports print them, each with its unit; a dash where nothing was measured."""

import math
from typing import Any

DASH = "–"
MINUS = "−"


def is_measured(value: Any) -> bool:  # noqa: ANN401  (any fact)
    """Tell a number from a gap: ``None``, NaN and text are no numbers."""
    return isinstance(value, int | float) and math.isfinite(value)


def millions(count: float | None) -> str:
    """Print a number of parameters: ``117.7 M``."""
    return f"{count / 1e6:.1f} M" if count is not None and is_measured(count) else DASH


def mebibytes(size_bytes: float | None) -> str:
    """Print a file size: ``471.2 MiB``."""
    if size_bytes is None or not is_measured(size_bytes):
        return DASH
    return f"{size_bytes / 2**20:.1f} MiB"


def milliseconds(duration_ms: float | None) -> str:
    """Print a latency: ``12.3 ms``."""
    return f"{duration_ms:.1f} ms" if duration_ms is not None and is_measured(duration_ms) else DASH


def points(value: float | None) -> str:
    """Print a score between 0 and 1 as percentage points: ``83.2``."""
    return f"{100 * value:.1f}" if value is not None and is_measured(value) else DASH


def times(before: float | None, after: float | None) -> str:
    """Print a ratio of at least one decimal: ``18.1×``; a dash if either is not measured."""
    if before is None or after is None or not (is_measured(before) and is_measured(after)):
        return DASH
    return f"{before / after:.1f}×" if after > 0 else DASH
