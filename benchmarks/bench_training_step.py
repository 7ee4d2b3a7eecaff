"""Fine-tuning steps of the bundled encoder: active vocabulary against the Trainer as it comes.

Both get the same batches, weights, seed, precision (bf16 autocast), learning rate and warm-up. Each
lives in a fresh process; one computes while the other waits, in blocks of some steps, in the order
A B B A. The first block of each is not counted.

python -m benchmarks.bench_training_step [--blocks 8]      writes results/training-step.json
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.places import data_directory
from benchmarks.processes import busy_seconds, load_average, other_cpu_seconds
from benchmarks.provenance import Provenance
from benchmarks.schema import StepBlock, StepComparison, TrainingStep, write_result

DATA, LANGUAGE = "ner/masakhaner2", "swh-Latn"
BLOCK_STEPS = {8: 8, 32: 4}
KINDS = ("active", "plain")


class Worker:
    """One trainer in a process of its own."""

    def __init__(self, kind: str, batch: int, blocks: int) -> None:
        steps = BLOCK_STEPS[batch]
        command = [sys.executable, "-m", "benchmarks.training_step_worker", kind]
        command += [str(data_directory() / DATA), LANGUAGE, "--batch", str(batch)]
        command += ["--steps", str(steps * (blocks + 1)), "--block-steps", str(steps)]
        self.kind = kind
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def block(self) -> StepBlock:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return StepBlock(trainer=self.kind, **self.answer())

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the {self.kind} trainer failed")
        values: dict[str, Any] = json.loads(line)
        return values

    def end(self) -> dict[str, Any]:
        values = self.answer()
        self._process.communicate()
        return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--batch", type=int, nargs="+", default=sorted(BLOCK_STEPS))
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    provenance = Provenance.now()
    comparisons = [compare(batch, options.blocks) for batch in options.batch]
    result = TrainingStep(
        model="bundled:multilingual-e5-small",
        data=f"{DATA}, {LANGUAGE}, train",
        precision="bf16 autocast, weights in float32",
        plain_optimizer="adamw_torch_fused, the Trainer's default",
        comparisons=tuple(comparisons),
    )
    for comparison in comparisons:
        sys.stdout.write(comparison.model_dump_json(exclude={"blocks"}, indent=1) + "\n")
    if not options.dry_run:
        write_result("training-step", provenance, result)


def compare(batch: int, num_blocks: int) -> StepComparison:
    load, busy = load_average(), busy_seconds()
    workers = [Worker(kind, batch, num_blocks) for kind in KINDS]
    blocks: dict[str, list[StepBlock]] = {kind: [] for kind in KINDS}
    for number in range(num_blocks + 1):
        for worker in workers if number % 2 else reversed(workers):
            blocks[worker.kind].append(worker.block())
    ends = {worker.kind: worker.end() for worker in workers}
    counted = {kind: rows[1:] for kind, rows in blocks.items()}
    cpu = sum(block.cpu_s for rows in blocks.values() for block in rows)
    pairs = list(zip(counted["plain"], counted["active"], strict=True))
    ratios = sorted(plain.wall_s / active.wall_s for plain, active in pairs)
    losses = {kind: ends[kind]["losses"] for kind in KINDS}
    steps = sum(block.num_steps for block in counted["active"])
    tokens = sum(block.num_tokens for block in counted["active"])
    return StepComparison(
        batch=batch,
        num_steps=steps,
        mean_tokens_per_step=round(tokens / steps, 1),
        active_tokens_per_s=round(throughput(counted["active"]), 1),
        plain_tokens_per_s=round(throughput(counted["plain"]), 1),
        throughput_ratio_median=round(statistics.median(ratios), 3),
        throughput_ratio_min=round(ratios[0], 3),
        throughput_ratio_max=round(ratios[-1], 3),
        cpu_ratio=round(sum(p.cpu_s for p, _ in pairs) / sum(a.cpu_s for _, a in pairs), 3),
        max_loss_difference=max(
            abs(a - b) for a, b in zip(losses["active"], losses["plain"], strict=True)
        ),
        first_loss=round(losses["active"][0], 4),
        last_loss=round(losses["active"][-1], 4),
        active_rows=ends["active"]["rows"],
        plain_rows=ends["plain"]["rows"],
        active_peak_memory_bytes=ends["active"]["peak_memory_bytes"],
        plain_peak_memory_bytes=ends["plain"]["peak_memory_bytes"],
        base_memory_bytes=ends["active"]["base_memory_bytes"],
        num_threads=ends["active"]["num_threads"],
        load_average_before=load,
        other_cpu_s=other_cpu_seconds(busy, cpu),
        blocks=tuple(block for kind in KINDS for block in counted[kind]),
    )


def throughput(blocks: list[StepBlock]) -> float:
    """Tokens over the median time of a block of average size."""
    return statistics.median(block.num_tokens / block.wall_s for block in blocks)


if __name__ == "__main__":
    main()
