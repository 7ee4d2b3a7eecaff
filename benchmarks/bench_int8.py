"""Schemes of int8 on the bundled encoder: tinyglot's, and what ONNX Runtime's quantizer does.

Error: 1 - cosine between the last hidden states of the float graph and of the rounded one, mean
over the tokens of some lines in each language of the text directory, in padded batches. Change
with the batch: the same between a line alone and the line in its batch, one scheme with itself;
the float graph has none. Latency: all graphs in turn, one thread. About 3 minutes.

python -m benchmarks.bench_int8      writes results/int8.json
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import Int8, Int8Scheme, write_result
from tinyglot.checkpoints import Checkpoint, load_checkpoint
from tinyglot.data.text import TextSource
from tinyglot.export import LoadedPredictor, export_onnx, load_predictor
from tinyglot.languages import resolve_language
from tinyglot.measure import LatencyRow, measure_latency

MODEL = "bundled:multilingual-e5-small"
NUM_LINES, BATCH, MAX_LENGTH = 16, 8, 128
BATCHES, LENGTHS, ROUNDS = (1, 8), (32, 128), 15
FLOAT, OURS = "float32", "tinyglot"
# arguments of onnxruntime.quantization.quantize_dynamic
ONNX_RUNTIME: dict[str, dict[str, Any]] = {
    "ONNX Runtime, defaults": {},
    "ONNX Runtime, per channel": {"per_channel": True},
    "ONNX Runtime, per channel, tables in float": {
        "per_channel": True,
        "op_types_to_quantize": ["MatMul", "Gemm"],
    },
}
Batch = list[list[int]]
Vectors = list[NDArray[np.float32]]


def main() -> None:
    provenance = Provenance.now()
    checkpoint = load_checkpoint(MODEL)
    ids = {tag: encode(checkpoint, lines) for tag, lines in sample_lines().items()}
    pad = int(checkpoint.tokenizer.pad_token_id)
    with tempfile.TemporaryDirectory() as work:
        directories = export(checkpoint, Path(work))
        del checkpoint
        models = {name: load_predictor(path, 1) for name, path in directories.items()}
        latencies = measure_latency(models, BATCHES, LENGTHS, 1, ROUNDS)
        exact = vectors(models[FLOAT], ids, pad, BATCH)
        schemes = [
            Int8Scheme(
                scheme=name,
                settings={key: str(value) for key, value in ONNX_RUNTIME.get(name, {}).items()},
                size_bytes=(directories[name] / "model.onnx").stat().st_size,
                latency_ms_p50=latency_at_shapes(row for row in latencies if row.model == name),
                **differences(model, exact, ids, pad),
            )
            for name, model in models.items()
        ]
    result = Int8(
        model=MODEL,
        num_lines=NUM_LINES,
        num_tokens=sum(len(line) for lines in ids.values() for line in lines),
        batch=BATCH,
        latency_protocol={"threads": 1, "n": ROUNDS, "warmup": latencies[0].warmup},
        schemes=tuple(schemes),
    )
    sys.stdout.write(f"{write_result('int8', provenance, result).name}\n")


# --- text --------------------------------------------------------------------------------------


def sample_lines() -> dict[str, list[str]]:
    """Give lines of every language, evenly spaced over its text."""
    sampled = {}
    for folder in sorted((data_directory() / "text").iterdir()):
        lines = list(TextSource((folder,)).lines())
        spaced = np.linspace(0, len(lines) - 1, NUM_LINES).astype(int)
        sampled[resolve_language(folder.name)] = [lines[index] for index in spaced]
    return sampled


def encode(checkpoint: Checkpoint, lines: list[str]) -> Batch:
    ids: Batch = checkpoint.tokenizer(lines, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    return ids


# --- exports -----------------------------------------------------------------------------------


def export(checkpoint: Checkpoint, work: Path) -> dict[str, Path]:
    """Write the model by every scheme, the float one first."""
    directories = {FLOAT: work / "float", OURS: work / "tinyglot"}
    for name, directory in directories.items():
        export_onnx(checkpoint.model, checkpoint.tokenizer, directory, int8=name == OURS)
    for number, (name, options) in enumerate(ONNX_RUNTIME.items()):
        directories[name] = work / f"onnxruntime-{number}"
        quantize_with_onnxruntime(directories[FLOAT], directories[name], options)
    return directories


def quantize_with_onnxruntime(source: Path, directory: Path, options: dict[str, Any]) -> None:
    from onnxruntime.quantization import quantize_dynamic

    shutil.copytree(source, directory, ignore=shutil.ignore_patterns("model.onnx"))
    quantize: Callable[..., None] = quantize_dynamic
    quantize(source / "model.onnx", directory / "model.onnx", **options)


# --- numbers -----------------------------------------------------------------------------------


def latency_at_shapes(rows: Iterable[LatencyRow]) -> dict[str, float]:
    return {f"batch {row.batch}, length {row.length}": round(row.latency_ms_p50, 2) for row in rows}


def differences(
    model: LoadedPredictor, exact: dict[str, Vectors], ids: dict[str, Batch], pad: int
) -> dict[str, Any]:
    """Compare with the float graph, and lines in a batch with the same lines alone."""
    together, alone = (vectors(model, ids, pad, batch) for batch in (BATCH, 1))
    change = errors(alone, together)
    return {
        "one_minus_cosine": {
            tag: round(value, 7) for tag, value in errors(exact, together).items()
        },
        "change_with_batch": round(float(np.mean(list(change.values()))), 7),
    }


def vectors(
    model: LoadedPredictor, ids: dict[str, Batch], pad: int, batch: int
) -> dict[str, Vectors]:
    """Give the hidden states of every line, without padding."""
    return {
        tag: [
            rows
            for start in range(0, len(lines), batch)
            for rows in states(model, lines[start : start + batch], pad)
        ]
        for tag, lines in ids.items()
    }


def states(model: LoadedPredictor, lines: Batch, pad: int) -> Iterator[NDArray[np.float32]]:
    shape = len(lines), max(map(len, lines))
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    for row, line in enumerate(lines):
        ids[row, : len(line)] = line
        mask[row, : len(line)] = 1
    output = model({"input_ids": ids, "attention_mask": mask})
    return (rows[: len(line)] for rows, line in zip(output, lines, strict=True))


def errors(expected: dict[str, Vectors], actual: dict[str, Vectors]) -> dict[str, float]:
    """Give the mean of 1 - cosine over the tokens of each language."""
    return {
        tag: one_minus_cosine(np.concatenate(expected[tag]), np.concatenate(actual[tag]))
        for tag in expected
    }


def one_minus_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = (
        each / np.linalg.norm(each, axis=1, keepdims=True)
        for each in (np.float64(a), np.float64(b))
    )
    return float(0.5 * ((a - b) ** 2).sum(axis=1).mean())  # of unit vectors; exact near 0


if __name__ == "__main__":
    main()
