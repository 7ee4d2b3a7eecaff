"""Packing the bundled model after most of its weights were set to zero, and expanding it again.

The smallest weights by magnitude are set to zero, over the whole model or over all but the
embeddings, exactly as many as asked for; no training. About 2 minutes.

python -m benchmarks.bench_sparse      writes results/sparse.json
"""

import filecmp
import json
import sys
import tempfile
from pathlib import Path
from shutil import copytree
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from benchmarks.processes import Finished, run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from benchmarks.sparse_result import Sparse, SparseRow
from tinyglot import bundled_path

MODEL, WEIGHTS = "multilingual-e5-small", "model.safetensors"
TINYGLOT = (sys.executable, "-c", "from tinyglot.cli.app import main; main()")
CASES: tuple[tuple[Literal["include", "exclude"], float], ...] = (
    ("include", 0.5),
    ("include", 0.9),
    ("include", 0.95),
    ("exclude", 0.9),
)
Tensors = dict[str, NDArray[np.float32]]


def main() -> None:
    provenance = Provenance.now()
    source = bundled_path(MODEL)
    rows = [measure(source, *case) for case in CASES]
    result = Sparse(
        model=f"bundled:{MODEL}",
        num_weights=sum(tensor.size for tensor in load_file(source / WEIGHTS).values()),
        imports=checked(run_fresh([sys.executable, "-c", "import tinyglot.api"])).cost,
        rows=tuple(rows),
    )
    sys.stdout.write(f"{write_result('sparse', provenance, result).name}\n")


def measure(source: Path, embeddings: Literal["include", "exclude"], sparsity: float) -> SparseRow:
    with tempfile.TemporaryDirectory() as work:
        copytree(source, Path(work) / "dense")
        row = measured(Path(work), embeddings, sparsity)
    sys.stderr.write(f"{row}\n")
    return row


def measured(work: Path, embeddings: Literal["include", "exclude"], sparsity: float) -> SparseRow:
    prune(work / "dense" / WEIGHTS, embeddings, sparsity)
    pack = ["export", work / "dense", "--format", "sparse", "--out", work / "packed", "--json"]
    packed = checked(run_fresh([*TINYGLOT, *pack]))
    expand = ["expand", work / "packed", "--out", work / "expanded"]
    expanded = checked(run_fresh([*TINYGLOT, *expand]))
    sizes = json.loads(packed.stdout)
    names = [path.name for path in (work / "dense").iterdir() if path.is_file()]
    same = filecmp.cmpfiles(work / "dense", work / "expanded", names, shallow=False)[0]
    return SparseRow(
        embeddings=embeddings,
        sparsity=sparsity,
        size_bytes=sizes["size_bytes"],
        packed_size_bytes=sizes["packed_size_bytes"],
        density={kind["kind"]: kind["density"] for kind in sizes["kinds"]},
        pack=packed.cost,
        expand=expanded.cost,
        is_same=sorted(same) == sorted(names),
    )


def prune(path: Path, embeddings: str, sparsity: float) -> None:
    """Set the smallest weights of a file to zero, exactly this share."""
    tensors: Tensors = load_file(path)
    chosen = [
        name for name in tensors if embeddings == "include" or not name.startswith("embeddings.")
    ]
    magnitude = np.concatenate([np.abs(tensors[name]).ravel() for name in chosen])
    smallest = np.argpartition(magnitude, int(sparsity * magnitude.size))
    is_zero = np.zeros(magnitude.size, bool)
    is_zero[smallest[: int(sparsity * magnitude.size)]] = True
    start = 0
    for name in chosen:
        tensor = tensors[name].copy()
        tensor[is_zero[start : start + tensor.size].reshape(tensor.shape)] = 0.0
        tensors[name] = tensor
        start += tensor.size
    metadata: dict[str, Any] = {"format": "pt"}
    save_file(tensors, path, metadata)


def checked(finished: Finished) -> Finished:
    if finished.returncode:
        raise SystemExit(f"{finished.stdout[-1000:]}\n{finished.stderr[-4000:]}")
    return finished


if __name__ == "__main__":
    main()
