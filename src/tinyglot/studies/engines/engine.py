"""What an engine is: it takes jobs and gives outcomes, one by one, as they come."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Work = Callable[[dict[str, Any]], dict[str, Any]]
"""Does one job: JSON values in, JSON values out. Found by its module's name in other processes."""

MAX_ATTEMPTS = 3
"""How often a job is begun whose worker is lost, before it is given up."""


@dataclass(frozen=True)
class Job:
    """One cell to run.

    Attributes:
        key: Of the cell.
        payload: What the work takes; JSON values.
        after: Keys of jobs that must have ended first, finished or failed. Keys of no job in the
            same call do not count.
    """

    key: str
    payload: dict[str, Any]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        key: Of the cell.
        result: What the work gave; ``None`` if it failed.
        error: Why it failed; ``None`` if it did not.
        attempts: How often it was begun; above 1 if workers were lost.
    """

    key: str
    result: dict[str, Any] | None
    error: str | None
    attempts: int = 1


class Engine(Protocol):
    """Runs jobs. A failed one does not stop the others; the job of a lost worker is run again."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Give each job's outcome as soon as it is there."""
