"""Progress bars on a terminal, silence elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """One line of progress; ``advance`` is all a loop needs."""

    def __init__(self, progress: Progress, description: str, total: float | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total)

    def advance(self, amount: float = 1.0) -> None:
        """Move the bar by ``amount`` of its unit."""
        self._progress.advance(self._task, amount)


@contextmanager
def progress_bar(description: str, total: float | None = None) -> Iterator[Bar]:
    """Show a bar on standard error while the block runs; nothing when it is not a terminal.

    Args:
        description: What is being done, a few words.
        total: The amount at which the bar is full; unknown if ``None``.

    Yields:
        The bar to advance.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeRemainingColumn(), transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        yield Bar(progress, description, total)
