"""Jobs that wait for their turn, and how often each was begun; every engine takes from it."""

import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from tinyglot.studies.engines.engine import MAX_ATTEMPTS, Job, Outcome, Work
from tinyglot.studies.failures import described

Ended = tuple[dict[str, Any] | None, str | None]
"""What a job gave, or why it failed."""


class Waiting:
    """Jobs that are not finished yet.

    Args:
        jobs: In the order in which they are begun, as far as ``after`` lets them.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waiting = list(jobs)
        self._open = {job.key for job in jobs}
        self._attempts: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Whether any job has no outcome yet."""
        return bool(self._open)

    def next(self) -> Job | None:
        """Take the first job that need not wait for another.

        Returns:
            The job, or ``None`` if all that are left wait or are being done.
        """
        for job in self._waiting:
            if not self._open.intersection(job.after):
                self._waiting.remove(job)
                self._attempts[job.key] = self._attempts.get(job.key, 0) + 1
                return job
        return None

    def end(self, job: Job, ended: Ended) -> Outcome:
        """Let the jobs that wait for this one begin.

        Args:
            job: What came to its end.
            ended: How.

        Returns:
            Its outcome.
        """
        self._open.remove(job.key)
        return Outcome(job.key, *ended, self._attempts[job.key])

    def put_back(self, job: Job, how: str) -> Iterator[Outcome]:
        """Let a job whose worker is gone be run again, unless that happened too often.

        Args:
            job: What the worker was doing.
            how: What is known of its end.

        Yields:
            The outcome, if the job is given up.
        """
        attempts = self._attempts[job.key]
        if attempts < MAX_ATTEMPTS:
            self._waiting.insert(0, job)
        else:
            why = f"its process ended {attempts} times, the last time {how}"
            yield self.end(job, (None, f"Could not run the cell: {why}."))


def attempt(work: Work, payload: dict[str, Any]) -> Ended:
    """Do a job in a worker; what it prints is dropped.

    Args:
        work: Does one job.
        payload: What it takes.

    Returns:
        What it gave, or its error.
    """
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # no bars
            return work(payload), None
    except Exception as error:  # noqa: BLE001  (a failed cell must not stop the others)
        return None, described(error)
