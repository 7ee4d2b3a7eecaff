"""Peak memory of a model in a fresh process, so that nothing else is counted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tinyglot.errors import MeasurementError
from tinyglot.measure.runnable import Runnable

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class MemoryRow:
    """Memory of a process that loaded one model and ran one shape.

    Attributes:
        model: Its name.
        threads: Threads it ran on.
        batch: Sequences a call.
        length: Tokens a sequence.
        n: Calls.
        peak_memory_bytes: Most resident memory of the process: interpreter, libraries, weights
            and work space. Shapes run in order of their tokens; smaller ones are included.
        base_memory_bytes: The process before it imported the library and loaded the model.
    """

    model: str
    threads: int
    batch: int
    length: int
    n: int
    peak_memory_bytes: int
    base_memory_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Give the row as JSON values.

        Returns:
            One entry a field.
        """
        return asdict(self)


def measure_memory(
    load: Callable[..., Runnable],
    model: str,
    shapes: Sequence[tuple[int, int]],
    threads: int,
    calls: int = 2,
) -> list[MemoryRow]:
    """Load a model in a fresh process, run it at some shapes, and read the process's peak.

    Args:
        load: A function of a module, called as ``load(model, threads)`` in that process.
        model: What it loads; also the rows' name.
        shapes: Batch and length of each.
        threads: Threads of the runtime.
        calls: Calls at each shape.

    Returns:
        One row a shape, in the order given.

    Raises:
        MeasurementError: If that process fails; gives its last lines.
    """
    ascending = sorted(set(shapes), key=lambda shape: (shape[0] * shape[1], shape))
    order = {
        "loader": f"{load.__module__}:{load.__qualname__}",
        "model": model,
        "threads": threads,
        "shapes": ascending,
        "calls": calls,
    }
    answer = _run_fresh(order, threads)
    peaks = dict(zip(ascending, answer["peaks"], strict=True))
    base = answer["base"]
    return [
        MemoryRow(model, threads, batch, length, calls, peaks[batch, length], base)
        for batch, length in shapes
    ]


def _run_fresh(order: Mapping[str, Any], threads: int) -> Any:  # noqa: ANN401  (JSON)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tinyglot.measure.peak"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))},
    )
    if done.returncode != 0:
        raise MeasurementError(
            "Could not measure memory: the process that ran the model failed.",
            got="\n".join(done.stderr.strip().splitlines()[-4:]) or f"exit {done.returncode}",
            expected="a process that loads and runs the model",
            fix=f"check that {order['model']} loads, and that there is memory for it",
        )
    return json.loads(done.stdout.splitlines()[-1])
