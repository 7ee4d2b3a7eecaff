"""Jobs on Ray: on workers of this machine, or of a cluster that is there."""

import importlib
import importlib.util
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from tinyglot.errors import EngineError, MissingExtraError
from tinyglot.studies.engines.engine import Job, Outcome, Work
from tinyglot.studies.engines.waiting import Waiting, attempt

# the least that Ray takes; jobs and results are a few kB of JSON
_OBJECT_STORE_BYTES = 80 * 2**20
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_worker_niceness": "0",
    # importing PyTorch may take long on a busy machine
    "RAY_worker_register_timeout_seconds": "300",
}
_LONGEST_PARENT = 24
_STARTS = 2
_SHOWN_CHARACTERS = 200
# a lost result is a job to be run again, whatever was lost with it
_LOST = (
    "WorkerCrashedError",
    "NodeDiedError",
    "LocalRayletDiedError",
    "OutOfMemoryError",
    "ObjectLostError",
    "OwnerDiedError",
)


class RayEngine:
    """Runs jobs as tasks of Ray, with one processor each.

    Without an address, a cluster of this machine is started for the time of ``run``; only
    processes that know its random token may talk to it. No dashboard, no telemetry.

    With an address, jobs spread over the nodes of that cluster. They need the same tinyglot, and
    the study's directory and data at the same paths.

    Args:
        work: A function of a module's top level that workers can import.
        num_workers: Jobs at a time.
        address: Such as ``127.0.0.1:6379`` or ``auto``.

    Raises:
        MissingExtraError: If Ray is not installed.
    """

    def __init__(self, work: Work, num_workers: int = 1, address: str | None = None) -> None:
        _require_ray()
        self._work = work
        self._num_workers = num_workers
        self._address = address

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Give each job's outcome as soon as it is there.

        Args:
            jobs: In the order in which they are begun, as far as ``after`` lets them.

        Yields:
            One outcome a job.

        Raises:
            EngineError: If the cluster cannot be started or reached.
        """
        if not jobs:
            return
        with _cluster(self._num_workers, self._address) as ray:
            # a lost job is put back here, so that its attempts are counted
            task = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")(attempt)
            waiting, running = Waiting(jobs), dict[Any, Job]()
            while waiting.is_open:
                while len(running) < self._num_workers and (job := waiting.next()) is not None:
                    running[task.remote(self._work, job.payload)] = job
                for ended in ray.wait(list(running))[0]:
                    yield from _outcome(ray, ended, running.pop(ended), waiting)


def _outcome(ray: Any, ended: Any, job: Job, waiting: Waiting) -> Iterator[Outcome]:  # noqa: ANN401  (of Ray)
    try:
        yield waiting.end(job, ray.get(ended))
    except ray.exceptions.RayError as error:
        if type(error).__name__ in _LOST:
            yield from waiting.put_back(job, f"by {type(error).__name__}")
        else:
            yield waiting.end(job, (None, f"Could not run the cell on Ray: {_last_line(error)}"))


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1][:_SHOWN_CHARACTERS]}"


def _require_ray() -> None:
    if importlib.util.find_spec("ray") is None:
        raise MissingExtraError(
            "Could not use Ray: it is not installed.",
            got="no package ray",
            expected="ray 2.60 or later",
            fix='pip install "tinyglot[ray]", or leave out --engine ray',
        )


@contextmanager
def _cluster(num_workers: int, address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or start one that ends with the block."""
    private = _private() if address is None else {}
    ray = importlib.import_module("ray")
    if ray.is_initialized():  # the caller's own
        yield ray
        return
    with ExitStack() as stack:
        options: dict[str, Any] = {"address": address}
        if address is None:
            options = _local(num_workers, stack.enter_context(_short_directory()))
            stack.enter_context(_environment(_SETTINGS | private))
        _start(ray, options)
        stack.callback(ray.shutdown)
        yield ray


def _local(num_workers: int, directory: str) -> dict[str, Any]:
    return {
        "num_cpus": num_workers,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_temp_dir": directory,
    }


@cache
def _private() -> dict[str, str]:
    """Let nobody else on the machine or its network give the clusters of this process work.

    Ray looks at this while it is imported; if that is past, or the user's own setting, it stays.
    """
    if "ray" in sys.modules or "RAY_AUTH_MODE" in os.environ:
        return {}
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with _environment(_SETTINGS | token):
        importlib.import_module("ray")
    return token


def _start(ray: Any, options: dict[str, Any]) -> None:  # noqa: ANN401  (a module)
    for left in reversed(range(_STARTS)):
        try:
            ray.init(**options, log_to_driver=False, logging_level="ERROR")
        except Exception as error:
            ray.shutdown()
            # a machine that is busy may be too slow for Ray once
            if left == 0 or options.get("address"):
                raise _no_cluster(options.get("address"), error) from error
        else:
            return


def _no_cluster(address: str | None, error: Exception) -> EngineError:
    if address is None:
        return EngineError(
            "Could not start Ray on this machine.",
            got=_last_line(error),
            expected="room for its processes: some hundred MiB of memory, a processor that is free",
            fix="leave --engine ray out: the same cells run in processes",
        )
    return EngineError(
        "Could not reach the Ray cluster.",
        got=f"{address}: {_last_line(error)}",
        expected="the address of a running cluster, such as 127.0.0.1:6379 or auto",
        fix="start one with `ray start --head`, or leave --address out",
    )


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables that the processes of the cluster inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _short_directory() -> tempfile.TemporaryDirectory[str]:
    """Make a directory for sockets, whose paths may not be long."""
    usual = tempfile.gettempdir()
    return tempfile.TemporaryDirectory(
        prefix="tg-ray-",
        dir=usual if len(usual) <= _LONGEST_PARENT else "/tmp",  # noqa: S108  (made anew in there)
        ignore_cleanup_errors=True,
    )
