"""One cell of a study of shapes: cut a model in every way, run all of them in turn, time them."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tinyglot.checkpoints import load_checkpoint
from tinyglot.errors import StudyError
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.export.graph import ready, trace
from tinyglot.export.predictor import MODEL_FILE, onnx_predictor
from tinyglot.export.verify import FLOAT_TOLERANCE
from tinyglot.measure import Predictor, interleaved_times, positions_of
from tinyglot.measure.runnable import check_shapes, random_batch
from tinyglot.studies.provenance import processor, provenance
from tinyglot.studies.shapes.cuts import Cutter, Sizes
from tinyglot.studies.shapes.grid import Cuts, Part, Protocol, Runtime

WHOLE = "none"
WARMUP = 1
_RESAMPLES = 2000


@dataclass(frozen=True)
class Shaped:
    """A cut model that runs on a stated number of threads.

    Attributes:
        run: From arrays to outputs.
        vocab_size: Token ids go from 0 to one less.
        max_length: Most tokens a sequence may have.
        threads: Threads it runs on.
        device: Where it runs.
    """

    run: Predictor
    vocab_size: int
    max_length: int
    threads: int
    device: str = "cpu"

    def __call__(self, batch: Mapping[str, NDArray[np.int64]], /) -> NDArray[np.float32]:
        """Run the model.

        Args:
            batch: ``input_ids`` and ``attention_mask``.

        Returns:
            Its outputs.
        """
        return self.run(batch)


def measure_job(payload: dict[str, Any]) -> dict[str, Any]:
    """Measure a cell. Called in worker processes.

    Args:
        payload: ``study``, ``key``, ``coordinates``, ``recipe`` with the model's place,
            ``num_threads`` and ``shapes`` with ``cuts`` and ``measure``.

    Returns:
        ``rows``, ``provenance`` and ``timing``, as JSON values.

    Raises:
        StudyError: If no part can lose that many parameters, or a graph computes something else.
        MeasurementError: If the model cannot run a shape.
    """
    started = time.perf_counter()
    cuts = Cuts.model_validate(payload["shapes"]["cuts"])
    protocol = Protocol.model_validate(payload["shapes"]["measure"])
    cutter = Cutter(load_checkpoint(payload["recipe"]["model"]).model.eval())
    sizes = _planned(cutter, cuts)
    with tempfile.TemporaryDirectory() as directory:
        openers = {
            part: _opener(cutter.cut(found), protocol.runtimes[0], Path(directory) / part)
            for part, found in sizes.items()
        }
        rows = list(_measured(openers, protocol))
    place = {"study": payload["study"], "key": payload["key"], **payload["coordinates"]}
    most = max(protocol.threads)
    return {
        "rows": [{**place, **_about(cutter, sizes[row["part"]]), **row} for row in rows],
        "provenance": provenance(most).model_dump(mode="json"),
        "timing": {
            "seconds": round(time.perf_counter() - started, 3),
            "num_steps": 0,
            "num_threads": most,
            "was_resumed": False,
            "machine": processor(),
        },
    }


def _planned(cutter: Cutter, cuts: Cuts) -> dict[str, Sizes]:
    """Give the sizes of the whole model, and of every part that can lose that many parameters."""
    (removed,) = cuts.removed
    found = {part: cutter.plan(Part(part), removed, cuts.tolerance) for part in cuts.parts}
    known = {str(part): sizes for part, sizes in found.items() if sizes is not None}
    if not known:
        raise StudyError(
            "Could not measure equal cuts: no part can lose that many parameters.",
            got=f"{removed:.1%} of {cutter.count(cutter.sizes).num_parameters:,} parameters, by "
            f"{', '.join(cuts.parts)}",
            expected=f"a share that a part can lose within {cuts.tolerance:.0%} of it",
            fix="change cuts.removed, or raise cuts.tolerance",
        )
    return {WHOLE: cutter.sizes, **known}


def _about(cutter: Cutter, sizes: Sizes) -> dict[str, Any]:
    count = cutter.count(sizes)
    fills = sizes.heads * (cutter.sizes.hidden // cutter.sizes.heads) == sizes.hidden
    words = ", ".join(f"{name} {size:,}" for name, size in vars(sizes).items())
    return {"sizes": words, "is_stock": fills, **count._asdict()}


# --- running ------------------------------------------------------------------------------------

_Opener = Callable[[int], Shaped]


def _opener(model: PreTrainedModel, runtime: Runtime, directory: Path) -> _Opener:
    """Make a model ready to be opened with a number of threads."""
    about = (int(model.config.vocab_size), positions_of(model.config.to_dict()))
    if runtime is Runtime.torch:
        run = torch_predictor(model)
        return lambda threads: Shaped(_with_threads(run, threads), *about, threads)
    _export(model, directory)
    return lambda threads: Shaped(onnx_predictor(directory, threads), *about, threads)


def _with_threads(run: Predictor, threads: int) -> Predictor:
    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return run(batch)

    return predictor


def _export(model: PreTrainedModel, directory: Path) -> None:
    """Write the graph, and make sure that what will be timed is the cut model."""
    import onnx_ir

    directory.mkdir()
    with ready(model) as source:
        onnx_ir.save(trace(source).graph, directory / MODEL_FILE)
    batch = random_batch(int(model.config.vocab_size), 2, 8, np.random.default_rng(0))
    expected = torch_predictor(model)(batch)
    difference = float(np.abs(onnx_predictor(directory, 1)(batch) - expected).max())
    if difference > FLOAT_TOLERANCE:
        raise StudyError(
            "Could not measure the cut with ONNX Runtime: the graph computes something else.",
            got=f"a difference of {difference:g}",
            expected=f"at most {FLOAT_TOLERANCE:g}",
            fix="report this; measure with the runtime torch alone",
        )


def _measured(openers: Mapping[str, _Opener], protocol: Protocol) -> Iterator[dict[str, Any]]:
    generator = np.random.default_rng(0)
    shapes = protocol.shapes()
    for threads in protocol.threads:
        models = {part: opener(threads) for part, opener in openers.items()}
        for batch, length in shapes:
            check_shapes(models, (batch,), (length,), threads)
        for shape in shapes:
            calls = (WARMUP, protocol.rounds)
            times = interleaved_times(models, shape, calls, generator, protocol.seconds)
            for part, seconds in times.items():
                condition = {"threads": threads, "batch": shape[0], "length": shape[1]}
                yield {"part": part, **condition, **_numbers(times[WHOLE], seconds)}
        models.clear()  # before others are opened


def _numbers(whole: list[float], seconds: list[float]) -> dict[str, Any]:
    ratios = np.array(whole) / np.array(seconds)
    generator = np.random.default_rng(0)
    chosen = generator.integers(0, len(ratios), (_RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(ratios[chosen], axis=1), (0.025, 0.975))
    return {
        "n": len(seconds),
        "latency_ms_p50": round(1e3 * float(np.median(seconds)), 4),
        "latency_ms_p95": round(1e3 * float(np.quantile(seconds, 0.95)), 4),
        "latency_ms_min": round(1e3 * min(seconds), 4),
        "speedup": round(float(np.median(ratios)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }
