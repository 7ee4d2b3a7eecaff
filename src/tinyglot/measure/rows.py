"""One row a model and shape, with everything that was measured of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tinyglot.measure.latency import LatencyRow
from tinyglot.measure.memory import MemoryRow
from tinyglot.measure.size import ModelSize


@dataclass(frozen=True)
class MeasureRow:
    """Size, latency and memory of one model at one shape.

    Attributes:
        model: Its name.
        format: ``checkpoint`` or ``onnx``.
        size_bytes: Bytes of its weight files.
        num_parameters: Values in distinct tensors.
        num_embedding_parameters: Those with a vocabulary axis.
        num_other_parameters: All others.
        device: Where it ran.
        threads: Threads it ran on.
        batch: Sequences a call, without padding.
        length: Tokens a sequence.
        n: Timed calls.
        warmup: Calls before those.
        latency_ms_p50: Median time of a call.
        latency_ms_p95: 95th percentile.
        latency_ms_min: Shortest.
        throughput_sequences_per_s: Sequences over the median time.
        throughput_tokens_per_s: Tokens over the median time.
        peak_memory_bytes: Most resident memory of a fresh process that ran this shape; ``None`` if
            it was not measured.
        base_memory_bytes: That process before it loaded anything.
    """

    model: str
    format: str
    size_bytes: int
    num_parameters: int
    num_embedding_parameters: int
    num_other_parameters: int
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
    peak_memory_bytes: int | None = None
    base_memory_bytes: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the row as JSON values.

        Returns:
            One entry a field.
        """
        return asdict(self)


def join_rows(
    latencies: Sequence[LatencyRow],
    sizes: Mapping[str, ModelSize],
    formats: Mapping[str, str],
    memories: Sequence[MemoryRow] = (),
) -> list[MeasureRow]:
    """Put what was measured of each model and shape into one row.

    Args:
        latencies: One a model and shape.
        sizes: By model.
        formats: By model.
        memories: Any number; matched by model, batch and length.

    Returns:
        One row a latency, in the same order.
    """
    memory = {(row.model, row.batch, row.length): row for row in memories}
    rows = []
    for latency in latencies:
        found = memory.get((latency.model, latency.batch, latency.length))
        rows.append(
            MeasureRow(
                format=formats[latency.model],
                peak_memory_bytes=found.peak_memory_bytes if found else None,
                base_memory_bytes=found.base_memory_bytes if found else None,
                **asdict(latency),
                **asdict(sizes[latency.model]),
            )
        )
    return rows
