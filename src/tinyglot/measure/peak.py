"""The process that ``measure_memory`` starts: reads an order, runs it, prints its memory."""

import importlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tinyglot.measure.runnable import random_batch

_STATUS = Path("/proc/self/status")


def peak_memory_bytes() -> int:
    """Read the most memory this process had resident.

    On Linux from ``VmHWM``: ``ru_maxrss`` survives ``exec``, so a process would inherit the peak of
    the one that started it.

    Returns:
        Bytes.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def run_order(order: dict[str, Any]) -> dict[str, Any]:
    """Load a model and run it at the shapes of an order.

    Args:
        order: As ``measure_memory`` writes it.

    Returns:
        ``base``, and ``peaks`` in the order of the shapes, in bytes.
    """
    base = peak_memory_bytes()
    module, name = order["loader"].split(":")
    model = getattr(importlib.import_module(module), name)(order["model"], order["threads"])
    generator = np.random.default_rng(0)
    peaks = []
    for batch, length in order["shapes"]:
        for _ in range(order["calls"]):
            model(random_batch(model.vocab_size, batch, length, generator))
        peaks.append(peak_memory_bytes())
    return {"base": base, "peaks": peaks}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_order(json.load(sys.stdin))) + "\n")
