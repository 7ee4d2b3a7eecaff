"""Running a command as a fresh process, and reading from the kernel what it took."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.schema import ProcessCost

_STAT = Path("/proc/stat")
_BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, steal
_NOTHING: Mapping[str, str] = {}


class Finished(NamedTuple):
    """How a process ended, and what it took."""

    returncode: int
    stdout: str
    stderr: str
    was_stopped: bool
    cost: ProcessCost


def run_fresh(
    command: Sequence[str | Path],
    *,
    timeout_s: float = 3600.0,
    environment: Mapping[str, str] = _NOTHING,
    directory: Path | None = None,
) -> Finished:
    """Run a command and wait; past the time limit it is killed, with the processes it started.

    Peak memory is that of the largest single process among them. A child inherits the peak of the
    process that starts it, so this one must be small: no torch.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # to end the child too
    load, busy = load_average(), busy_seconds()
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, **environment},
            cwd=directory,
            start_new_session=True,
        )
        status, usage, was_stopped = _wait(process.pid, timeout_s)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        texts = stdout.read(), stderr.read()
    cost = ProcessCost(
        wall_s=round(wall, 2),
        user_cpu_s=round(usage.ru_utime, 2),
        system_cpu_s=round(usage.ru_stime, 2),
        other_cpu_s=other_cpu_seconds(busy, usage.ru_utime + usage.ru_stime),
        peak_memory_bytes=usage.ru_maxrss * 1024,
        load_average_before=load,
    )
    return Finished(process.returncode, *texts, was_stopped, cost)


def _wait(pid: int, timeout_s: float) -> tuple[int, "os.struct_rusage", bool]:
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        os.killpg(pid, signal.SIGKILL)

    timer = threading.Timer(timeout_s, stop)
    timer.start()
    try:
        _, status, usage = os.wait4(pid, 0)
    except BaseException:
        os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    return status, usage, stopped.is_set()


def other_cpu_seconds(busy_before: float | None, own: float) -> float | None:
    """Say what everything else on the machine has computed since ``busy_seconds`` was taken."""
    busy = busy_seconds()
    if busy is None or busy_before is None:
        return None
    return round(max(0.0, busy - busy_before - own), 2)


def busy_seconds() -> float | None:
    """Sum what all cores have computed since the start, stolen time included; Linux only."""
    if not _STAT.exists():
        return None
    numbers = _STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
    ticks = sum(int(numbers[column]) for column in _BUSY_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(patience_s: float, share: float = 0.1, window_s: float = 1.0) -> bool:
    """Wait until everything on the machine takes less than a share of its cores, or long enough.

    Gives whether it became quiet.
    """
    give_up = time.monotonic() + patience_s
    while True:
        before = busy_seconds()
        time.sleep(window_s)
        after = busy_seconds()
        if before is None or after is None:
            return False
        if after - before < share * window_s * (os.cpu_count() or 1):
            return True
        if time.monotonic() > give_up:
            return False
        time.sleep(2 * window_s)


def load_average() -> float:
    return round(os.getloadavg()[0], 2)
