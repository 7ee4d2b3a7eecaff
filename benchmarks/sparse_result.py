"""What packing and expanding took, and the table of it."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import ProcessCost, Strict

MIB = 2**20


class SparseRow(Strict):
    """One checkpoint, packed and expanded by the command, each in a fresh process.

    ``sparsity`` is that of the weights that were pruned; ``density`` by kind of tensor is counted
    by the command. ``is_same`` says that every file has the bytes it had.
    """

    embeddings: Literal["include", "exclude"]
    sparsity: float
    size_bytes: int
    packed_size_bytes: int
    density: dict[str, float]
    pack: ProcessCost
    expand: ProcessCost
    is_same: bool


class Sparse(Strict):
    """The same model with more and fewer zeros; ``imports`` is the command without any work."""

    benchmark: Literal["sparse"] = "sparse"
    model: str
    num_weights: int
    imports: ProcessCost
    rows: tuple[SparseRow, ...] = Field(min_length=1)


def sparse_table(result: Sparse) -> Iterator[str]:
    """Show sizes, densities, seconds and memory, a row a checkpoint."""
    yield (
        f"`{result.model}`, {result.num_weights / 1e6:.1f} M weights in float32, the smallest ones "
        "of the whole model (or of all but the embeddings) set to zero. Pack: `tinyglot export "
        "--format sparse`, which reads back what it wrote; n = 1 fresh process each. The imports "
        f"alone take {result.imports.cpu_s:.1f} s and "
        f"{result.imports.peak_memory_bytes / MIB:,.0f} MiB."
    )
    yield ""
    head = ["embeddings", "sparsity", "MiB", "packed MiB", "ratio", "density embeddings, matrices"]
    head += ["pack CPU s", "pack peak MiB", "expand CPU s", "expand peak MiB", "same bytes"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in result.rows:
        density = [f"{row.density[kind]:.1%}" for kind in ("embeddings", "matrices")]
        cells = [
            row.embeddings,
            f"{row.sparsity:.0%}",
            f"{row.size_bytes / MIB:,.1f}",
            f"{row.packed_size_bytes / MIB:,.1f}",
            f"**{row.size_bytes / row.packed_size_bytes:.2f}**",
            ", ".join(density),
            f"{row.pack.cpu_s:.1f}",
            f"{row.pack.peak_memory_bytes / MIB:,.0f}",
            f"{row.expand.cpu_s:.1f}",
            f"{row.expand.peak_memory_bytes / MIB:,.0f}",
            "yes" if row.is_same else "no",
        ]
        yield f"| {' | '.join(cells)} |"
