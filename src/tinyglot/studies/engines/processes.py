"""Jobs in processes of this machine that live as long as the study; a lost one is replaced."""

import io
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from tinyglot.studies.engines.engine import MAX_ATTEMPTS, Job, Outcome, Work
from tinyglot.studies.failures import described

_Ended = tuple[dict[str, Any] | None, str | None]
_SECONDS_TO_END = 5.0


class ProcessEngine:
    """Runs jobs in worker processes, several jobs one after the other in each.

    Workers end with this process, however it ends.

    Args:
        work: A function of a module's top level.
        num_workers: Processes, at least 1.
    """

    def __init__(self, work: Work, num_workers: int = 1) -> None:
        self._work = work
        self._num_workers = num_workers
        # a server that has imported everything once makes further workers at once
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([work.__module__])

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Give each job's outcome as soon as it is there.

        Args:
            jobs: In the order in which they are begun, as far as ``after`` lets them.

        Yields:
            One outcome a job.
        """
        queue = _Queue(jobs)
        workers = [_Worker(self._context, self._work) for _ in range(self._num_workers)]
        try:
            while queue.is_open:
                for worker in workers:
                    worker.begin(queue)
                for place in _ready(workers):
                    yield from workers[place].finish(queue)
                    if workers[place].is_lost:
                        workers[place].end()
                        workers[place] = _Worker(self._context, self._work)
        finally:
            for worker in workers:
                worker.end()


def _ready(workers: Sequence["_Worker"]) -> list[int]:
    """Wait until a worker that has a job says something, or is gone."""
    busy = {worker.connection: place for place, worker in enumerate(workers) if worker.job}
    return [busy[connection] for connection in wait(list(busy)) if connection in busy]


class _Queue:
    """Jobs that wait, and how often each was begun."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waiting = list(jobs)
        self._open = {job.key for job in jobs}
        self._attempts: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        return bool(self._open)

    def next(self) -> Job | None:
        """Take the first job that need not wait for another."""
        for job in self._waiting:
            if not self._open.intersection(job.after):
                self._waiting.remove(job)
                self._attempts[job.key] = self._attempts.get(job.key, 0) + 1
                return job
        return None

    def end(self, job: Job, ended: _Ended) -> Outcome:
        self._open.remove(job.key)
        return Outcome(job.key, *ended, self._attempts[job.key])

    def put_back(self, job: Job, exit_code: int | None) -> Iterator[Outcome]:
        """Let a job whose worker is gone be run again, unless that happened too often."""
        attempts = self._attempts[job.key]
        if attempts < MAX_ATTEMPTS:
            self._waiting.insert(0, job)
        else:
            why = f"its process ended {attempts} times, the last time with code {exit_code}"
            yield self.end(job, (None, f"Could not run the cell: {why}."))


class _Worker:
    """A process, and what it is doing."""

    def __init__(self, context: Any, work: Work) -> None:  # noqa: ANN401  (a context of multiprocessing)
        ours, theirs = context.Pipe()
        self.connection: Connection = ours
        self.job: Job | None = None
        self.is_lost = False
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, queue: _Queue) -> None:
        if self.job is None and (job := queue.next()) is not None:
            self.job = job
            with suppress(OSError):  # it is gone: finish says so
                self.connection.send(job.payload)

    def finish(self, queue: _Queue) -> Iterator[Outcome]:
        job, self.job = self.job, None
        if job is None:
            return
        try:
            yield queue.end(job, self.connection.recv())
        except (EOFError, OSError):
            self.is_lost = True
            self._process.join(_SECONDS_TO_END)
            yield from queue.put_back(job, self._process.exitcode)

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join(_SECONDS_TO_END)


def _serve(connection: Connection, work: Work) -> None:
    """Do jobs until the other end is closed; runs in the worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            connection.send(_attempt(work, connection.recv()))


def _end_with_parent() -> None:
    """A driver that is killed takes its workers with it, so that they hold no directory."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _attempt(work: Work, payload: dict[str, Any]) -> _Ended:
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # no bars
            return work(payload), None
    except Exception as error:  # noqa: BLE001  (a failed cell must not stop the others)
        return None, described(error)
