"""Measuring checkpoints and exports side by side, from their paths."""

from collections.abc import Sequence

from tinyglot.export.loading import LoadedPredictor, load_predictor
from tinyglot.measure import (
    MeasureRow,
    MemoryRow,
    join_rows,
    measure_latency,
    measure_memory,
    size_of,
)


def measure_models(
    names: Sequence[str],
    batches: Sequence[int] = (1,),
    lengths: Sequence[int] = (32,),
    threads: int = 1,
    rounds: int = 20,
    *,
    memory: bool = True,
) -> list[MeasureRow]:
    """Measure size, latency and peak memory of checkpoints and exports.

    Latency is taken in this process, the models interleaved; memory in a fresh process for each.

    Args:
        names: Checkpoint or export directories, ``bundled:NAME``, or hub ids; all different.
        batches: Sequences a call.
        lengths: Tokens a sequence.
        threads: Threads of the runtimes.
        rounds: Timed calls of each model at each shape.
        memory: Whether to measure memory; starts one process a model.

    Returns:
        One row for each shape and model.

    Raises:
        ModelNotFoundError: If a name is none of these.
        MeasurementError: If a model cannot run a shape.
    """
    models = {name: load_predictor(name, threads) for name in names}
    latencies = measure_latency(models, batches, lengths, threads, rounds)
    sizes = {name: size_of(model.directory) for name, model in models.items()}
    formats = {name: model.format for name, model in models.items()}
    shapes = [(batch, length) for batch in batches for length in lengths]
    memories = _memories(models, shapes, threads) if memory else []
    return join_rows(latencies, sizes, formats, memories)


def _memories(
    models: dict[str, LoadedPredictor], shapes: list[tuple[int, int]], threads: int
) -> list[MemoryRow]:
    return [row for name in models for row in measure_memory(load_predictor, name, shapes, threads)]
