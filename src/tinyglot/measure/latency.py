"""Time of a call, the compared models in turn, so that a noisy machine is unfair to none."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinyglot.errors import MeasurementError
from tinyglot.measure.runnable import Runnable, check_shapes, random_batch
from tinyglot.progress import Bar, progress_bar

WARMUP = 3
ROUNDS = 20
FEWEST = 3


@dataclass(frozen=True)
class LatencyRow:
    """Latency of one model at one shape.

    Attributes:
        model: Its name.
        device: Where it ran.
        threads: Threads it ran on.
        batch: Sequences a call, without padding.
        length: Tokens a sequence.
        n: Timed calls.
        warmup: Calls before those, of this model at this shape.
        latency_ms_p50: Median time of a call.
        latency_ms_p95: 95th percentile.
        latency_ms_min: Shortest; what the machine does when nothing else runs.
        throughput_sequences_per_s: Sequences over the median time.
        throughput_tokens_per_s: Tokens over the median time.
    """

    model: str
    device: str
    threads: int
    batch: int
    length: int
    n: int
    warmup: int
    latency_ms_p50: float
    latency_ms_p95: float
    latency_ms_min: float
    throughput_sequences_per_s: float
    throughput_tokens_per_s: float

    def as_dict(self) -> dict[str, Any]:
        """Give the row as JSON values.

        Returns:
            One entry a field.
        """
        return asdict(self)


def measure_latency(
    models: Mapping[str, Runnable],
    batches: Sequence[int],
    lengths: Sequence[int],
    threads: int,
    rounds: int = ROUNDS,
    warmup: int = WARMUP,
) -> list[LatencyRow]:
    """Time calls of several models in interleaved rounds.

    In every round each model is called once on new random token ids of its own vocabulary, in an
    order that changes from round to round. Only the call is timed.

    Args:
        models: What to compare, by name; each loaded with ``threads`` threads.
        batches: Sequences a call.
        lengths: Tokens a sequence.
        threads: What the rows state; checked against the models.
        rounds: Timed calls of each model at each shape.
        warmup: Calls before those.

    Returns:
        One row for each shape and model, in the order given.

    Raises:
        MeasurementError: If a model cannot run a shape, or nothing is to be timed.

    Randomness:
        A generator of its own, always the same.
    """
    check_shapes(models, tuple(batches), tuple(lengths), threads)
    if rounds < 1 or warmup < 0:
        raise MeasurementError(
            "Could not measure: nothing would be timed.",
            got=f"{rounds} rounds, {warmup} calls before them",
            expected="at least 1 round and 0 calls before",
            fix=f"--rounds {ROUNDS}",
        )
    shapes = [(batch, length) for batch in batches for length in lengths]
    generator = np.random.default_rng(0)
    rows = []
    with progress_bar("measure", total=len(shapes) * (rounds + warmup)) as bar:
        for shape in shapes:
            times = interleaved_times(models, shape, (warmup, rounds), generator, bar=bar)
            rows += [
                _row(name, model, shape, warmup, times[name]) for name, model in models.items()
            ]
    return rows


def interleaved_times(
    models: Mapping[str, Runnable],
    shape: tuple[int, int],
    calls: tuple[int, int],
    generator: np.random.Generator,
    seconds: float | None = None,
    bar: Bar | None = None,
) -> dict[str, list[float]]:
    """Time every model once a round, in an order that changes from round to round.

    Args:
        models: What to compare, by name.
        shape: Batch and length.
        calls: Rounds before any is timed, and most timed rounds.
        generator: Draws token ids and orders.
        seconds: Begin no further round after this long, once there are three; default: no limit.
        bar: Told of each round.

    Returns:
        By model the seconds of each timed round, as many for all of them.
    """
    warmup, rounds = calls
    times: dict[str, list[float]] = {name: [] for name in models}
    names = list(models)
    begun = time.perf_counter()
    for number in range(-warmup, rounds):
        if seconds is not None and number >= FEWEST and time.perf_counter() - begun > seconds:
            break
        for index in generator.permutation(len(names)):
            name = names[index]
            took = _timed(models[name], shape, generator)
            if number >= 0:
                times[name].append(took)
        if bar is not None:
            bar.advance()
    return times


def _timed(model: Runnable, shape: tuple[int, int], generator: np.random.Generator) -> float:
    batch = random_batch(model.vocab_size, *shape, generator)
    start = time.perf_counter()
    model(batch)
    return time.perf_counter() - start


def _row(
    name: str, model: Runnable, shape: tuple[int, int], warmup: int, seconds: list[float]
) -> LatencyRow:
    batch, length = shape
    median = float(np.median(seconds))
    return LatencyRow(
        model=name,
        device=model.device,
        threads=model.threads,
        batch=batch,
        length=length,
        n=len(seconds),
        warmup=warmup,
        latency_ms_p50=1e3 * median,
        latency_ms_p95=1e3 * float(np.quantile(seconds, 0.95)),
        latency_ms_min=1e3 * min(seconds),
        throughput_sequences_per_s=batch / median,
        throughput_tokens_per_s=batch * length / median,
    )
