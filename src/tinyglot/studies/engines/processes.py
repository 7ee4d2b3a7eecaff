"""Jobs in processes of this machine that live as long as the study; a lost one is replaced."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from tinyglot.studies.engines.engine import Job, Outcome, Work
from tinyglot.studies.engines.waiting import Waiting, attempt

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
        if not jobs:
            return
        queue = Waiting(jobs)
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

    def begin(self, queue: Waiting) -> None:
        if self.job is None and (job := queue.next()) is not None:
            self.job = job
            with suppress(OSError):  # it is gone: finish says so
                self.connection.send(job.payload)

    def finish(self, queue: Waiting) -> Iterator[Outcome]:
        job, self.job = self.job, None
        if job is None:
            return
        try:
            yield queue.end(job, self.connection.recv())
        except (EOFError, OSError):
            self.is_lost = True
            self._process.join(_SECONDS_TO_END)
            yield from queue.put_back(job, f"with code {self._process.exitcode}")

    def end(self) -> None:
        """Let an idle worker end by itself, and stop a busy one."""
        self.connection.close()
        if self.job is None:
            self._process.join(_SECONDS_TO_END)
        self._process.kill()
        self._process.join(_SECONDS_TO_END)


def _serve(connection: Connection, work: Work) -> None:
    """Do jobs until the other end is closed; runs in the worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            connection.send(attempt(work, connection.recv()))


def _end_with_parent() -> None:
    """A driver that is killed takes its workers with it, so that they hold no directory."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
