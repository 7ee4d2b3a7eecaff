"""Running a command as a fresh process, and reading from the kernel what it took."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.schema import ProcessCost

_LAUNCHER = Path(__file__).with_name("launcher.py")
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

    Peak memory is that of the largest single process among them.
    """
    load, busy = load_average(), busy_seconds()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("report", "stdout", "stderr")]
        words = [sys.executable, "-I", "-S", _LAUNCHER, paths[0], timeout_s, *command]
        with paths[1].open("wb") as stdout, paths[2].open("wb") as stderr:
            launcher = subprocess.Popen(
                list(map(str, words)),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **environment},
                cwd=directory,
            )
            with _ended_with_this_process(launcher):
                launcher.wait()
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths[1:]]
        if launcher.returncode:
            raise SystemExit(texts[1])
        taken = json.loads(paths[0].read_text(encoding="utf-8"))
    returncode, was_stopped = taken.pop("returncode"), taken.pop("was_stopped")
    own = taken["user_cpu_s"] + taken["system_cpu_s"]
    cost = ProcessCost(
        **{key: round(value, 2) for key, value in taken.items()},
        other_cpu_s=other_cpu_seconds(busy, own),
        load_average_before=load,
    )
    return Finished(returncode, *texts, was_stopped, cost)


@contextmanager
def _ended_with_this_process(launcher: subprocess.Popen[bytes]) -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except BaseException:
        launcher.terminate()
        launcher.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


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
