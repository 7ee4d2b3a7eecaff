"""Size, latency and memory of models; each row states its protocol. Imports no framework."""

from tinyglot.measure.latency import LatencyRow, interleaved_times, measure_latency
from tinyglot.measure.memory import MemoryRow, measure_memory
from tinyglot.measure.rows import MeasureRow, join_rows
from tinyglot.measure.runnable import Predictor, Runnable, positions_of
from tinyglot.measure.size import ModelSize, size_of, size_of_checkpoint, size_of_export
from tinyglot.measure.weights import weight_files

__all__ = [
    "LatencyRow",
    "MeasureRow",
    "MemoryRow",
    "ModelSize",
    "Predictor",
    "Runnable",
    "interleaved_times",
    "join_rows",
    "measure_latency",
    "measure_memory",
    "positions_of",
    "size_of",
    "size_of_checkpoint",
    "size_of_export",
    "weight_files",
]
