"""Runs a command, and writes what the kernel says it took; `processes.run_fresh` starts it.

A process inherits the peak memory of the one that starts it, so this one is as small as it can be.
"""

import json
import os
import signal
import sys
import time

report, timeout_s, *command = sys.argv[1:]
started = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
was_stopped = False


def stop(*_: object) -> None:
    global was_stopped
    was_stopped = True
    os.killpg(child, signal.SIGKILL)


signal.signal(signal.SIGALRM, stop)
signal.signal(signal.SIGTERM, stop)
signal.setitimer(signal.ITIMER_REAL, float(timeout_s))
_, status, usage = os.wait4(child, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
taken = {
    "returncode": os.waitstatus_to_exitcode(status),
    "was_stopped": was_stopped,
    "wall_s": time.perf_counter() - started,
    "user_cpu_s": usage.ru_utime,
    "system_cpu_s": usage.ru_stime,
    "peak_memory_bytes": usage.ru_maxrss * 1024,
}
with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123  (pathlib would be larger)
    json.dump(taken, file)
