"""What keeping removed weights at zero costs a training step, and the table of it."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class MaskOverhead(Strict):
    """Steps with and without masks, block by block in turn, in one process on equal batches.

    A ratio is one block with masks over its neighbour without; of all pairs those with the least
    other load are counted. ``cpu_ratio`` is the median ratio of CPU time, which other load moves
    less. ``masking_ms`` is the time inside the masks' own code, for each step.
    """

    data: str
    batch: int
    tokens_per_step: int
    num_threads: int
    embeddings: Literal["include", "exclude"]
    num_masked_weights: int
    num_removed: int
    num_pairs: int
    num_pairs_counted: int
    max_other_load: float | None
    step_ms: float
    masking_ms: float
    ratio_median: float
    ratio_min: float
    ratio_max: float
    cpu_ratio: float
    event_s: float


class MaskOverheads(Strict):
    """Fine-tuning steps of magnitude pruning against the same steps without masks."""

    benchmark: Literal["mask_overhead"] = "mask_overhead"
    model: str
    task: str
    precision: str
    sparsity: float
    rows: tuple[MaskOverhead, ...] = Field(min_length=1)


def mask_table(result: MaskOverheads) -> Iterator[str]:
    """Show the overhead, a row a kind of data and of matrices."""
    yield (
        f"`{result.model}`, task {result.task}, {result.precision}, {result.sparsity:.0%} of the "
        "weights removed. Median (min–max) over pairs of blocks; sentences cut or repeated to the "
        "mean length of the data, so that every step is alike."
    )
    yield ""
    head = ["data", "batch", "tokens a step", "threads", "embeddings", "weights under masks"]
    head += [
        "step ms",
        "masking ms",
        "with ÷ without",
        "CPU ratio",
        "pairs",
        "others' load",
        "event s",
    ]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in result.rows:
        load = "unknown" if row.max_other_load is None else f"{row.max_other_load:.2f}"
        ratio = f"**{row.ratio_median:.3f}** ({row.ratio_min:.3f}–{row.ratio_max:.3f})"
        cells = [row.data, str(row.batch), f"{row.tokens_per_step:,}", str(row.num_threads)]
        cells += [row.embeddings, f"{row.num_masked_weights:,}", f"{row.step_ms:,.0f}"]
        cells += [f"{row.masking_ms:.1f}", ratio]
        cells += [f"{row.cpu_ratio:.3f}", f"{row.num_pairs_counted} of {row.num_pairs}"]
        yield f"| {' | '.join([*cells, load, f'{row.event_s:.1f}'])} |"
