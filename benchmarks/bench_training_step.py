"""Fine-tuning steps of the bundled encoder: active vocabulary against the Trainer as it comes.

Both get the same batches, weights, seed, precision (bf16 autocast), learning rate and warm-up. Each
lives in a fresh process; one computes while the other waits, in blocks of some steps, in the order
A B B A. The first block of each is not counted. Goes on until enough pairs of blocks were taken
while the machine did little else, and counts the quietest ones.

python -m benchmarks.bench_training_step      writes results/training-step.json
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.places import data_directory
from benchmarks.processes import busy_seconds, other_cpu_seconds, wait_for_quiet
from benchmarks.provenance import Provenance
from benchmarks.schema import StepBlock, StepComparison, TrainingStep, write_result

DATA, LANGUAGE = "ner/masakhaner2", "swh-Latn"
BLOCK_STEPS = {8: 8, 32: 4}
KINDS = ("active", "plain")
QUIET = 0.05  # of all cores


class Pair(NamedTuple):
    """The same batches by both trainers."""

    active: StepBlock
    plain: StepBlock

    @property
    def ratio(self) -> float:
        return self.plain.wall_s / self.active.wall_s

    @property
    def other_load(self) -> float:
        return max(block.other_load or 0.0 for block in self)


class Worker:
    """One trainer in a process of its own."""

    def __init__(self, kind: str, options: argparse.Namespace, batch: int) -> None:
        steps = BLOCK_STEPS[batch]
        command = [sys.executable, "-m", "benchmarks.training_step_worker", kind]
        command += [str(data_directory() / DATA), LANGUAGE, "--batch", str(batch)]
        command += ["--steps", str(steps * (options.max_pairs + 1)), "--block-steps", str(steps)]
        self.kind = kind
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
        )

    def block(self) -> StepBlock:
        busy = busy_seconds()
        values = self._ask("go")
        others = other_cpu_seconds(busy, values["cpu_s"])
        available = values["wall_s"] * (os.cpu_count() or 1)
        load = None if others is None else round(others / available, 3)
        return StepBlock(trainer=self.kind, other_load=load, **values)

    def end(self) -> dict[str, Any]:
        values = self._ask("end")
        self._process.communicate()
        return values

    def _ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the {self.kind} trainer failed")
        values: dict[str, Any] = json.loads(line)
        return values


def main() -> None:
    options = parse()
    provenance = Provenance.now()
    comparisons = [compare(options, batch) for batch in options.batch]
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


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8, help="counted pairs of blocks")
    parser.add_argument("--max-pairs", type=int, default=30)
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds to wait in all for a quiet machine"
    )
    parser.add_argument("--batch", type=int, nargs="+", default=sorted(BLOCK_STEPS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    return parser.parse_args()


def compare(options: argparse.Namespace, batch: int) -> StepComparison:
    workers = [Worker(kind, options, batch) for kind in KINDS]
    pairs: list[Pair] = []
    patience = options.patience
    for number in range(options.max_pairs + 1):
        began = time.monotonic()
        wait_for_quiet(patience)
        patience = max(0.0, patience - (time.monotonic() - began))
        order = workers if number % 2 else workers[::-1]
        pair = Pair(**{worker.kind: worker.block() for worker in order})
        if number:
            pairs.append(pair)
            sys.stderr.write(f"batch {batch}: {pair.ratio:.3f}, others {pair.other_load:.2f}\n")
        if sum(pair.other_load <= QUIET for pair in pairs) >= options.pairs:
            break
    ends = {worker.kind: worker.end() for worker in workers}
    counted = sorted(pairs, key=lambda pair: pair.other_load)[: options.pairs]
    return StepComparison(
        batch=batch,
        num_threads=ends["active"]["num_threads"],
        num_pairs=len(pairs),
        blocks=tuple(block for pair in pairs for block in pair),
        **speeds(counted),
        **losses(ends["active"]["losses"], ends["plain"]["losses"]),
        **memory(ends),
    )


def speeds(counted: list[Pair]) -> dict[str, Any]:
    ratios = sorted(pair.ratio for pair in counted)
    active, plain = zip(*counted, strict=True)
    tokens = sum(block.num_tokens for block in active)
    return {
        "mean_tokens_per_step": round(tokens / sum(block.num_steps for block in active), 1),
        "num_pairs_counted": len(counted),
        "max_other_load": max(pair.other_load for pair in counted),
        "active_tokens_per_s": round(throughput(active), 1),
        "plain_tokens_per_s": round(throughput(plain), 1),
        "throughput_ratio_median": round(statistics.median(ratios), 3),
        "throughput_ratio_min": round(ratios[0], 3),
        "throughput_ratio_max": round(ratios[-1], 3),
        "cpu_ratio": round(sum(b.cpu_s for b in plain) / sum(b.cpu_s for b in active), 3),
    }


def throughput(blocks: tuple[StepBlock, ...]) -> float:
    return statistics.median(block.num_tokens / block.wall_s for block in blocks)


def losses(active: list[float], plain: list[float]) -> dict[str, Any]:
    return {
        "num_steps": len(active),
        "max_loss_difference": max(abs(a - b) for a, b in zip(active, plain, strict=True)),
        "first_loss": round(active[0], 4),
        "last_loss": round(active[-1], 4),
    }


def memory(ends: dict[str, dict[str, Any]]) -> dict[str, Any]:
    fields = ("rows", "steps_peak_memory_bytes", "peak_memory_bytes")
    named = {f"{kind}_{field}": ends[kind][field] for kind in KINDS for field in fields}
    return named | {"base_memory_bytes": ends["active"]["base_memory_bytes"]}


if __name__ == "__main__":
    main()
