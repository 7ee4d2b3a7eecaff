"""What magnitude pruning adds to a fine-tuning step of the bundled encoder.

One training in one process, in blocks of some steps: blocks in which removed weights are held at
zero, and blocks in which nothing is done about them, in the order A B B A. Every step has equally
many sentences of equal length, the mean length of the data. The first pair of blocks is not
counted; of the others, the ones are that were taken while the machine did least else.

python -m benchmarks.bench_mask_overhead      writes results/mask-overhead.json
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModelForTokenClassification

from benchmarks.mask_result import MaskOverhead, MaskOverheads
from benchmarks.places import data_directory
from benchmarks.processes import busy_seconds, other_cpu_seconds, wait_for_quiet
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from tinyglot.checkpoints import bundled_path
from tinyglot.methods.magnitude_pruning import MagnitudePruningCallback
from tinyglot.tasks import get_task
from tinyglot.tokenizers import load_tokenizer
from tinyglot.training import TrainingConfig, train

CASES = (
    ("ner/masakhaner2", "swh-Latn", "exclude"),
    ("ner/masakhaner2", "swh-Latn", "include"),
    ("ner/panx", "swh-Latn", "exclude"),
    ("ner/panx", "swh-Latn", "include"),
)
BATCH, SPARSITY, BLOCK_STEPS = 16, 0.7, 4


class Example(NamedTuple):
    input_ids: np.ndarray
    labels: np.ndarray


class Block(NamedTuple):
    with_masks: bool
    step_s: float
    step_cpu_s: float
    masking_s: float
    other_load: float | None


class InTurn(MagnitudePruningCallback):
    """Prunes before the first step, then holds the masks in every second block only."""

    def __init__(self, patience: float) -> None:
        super().__init__(sparsity=SPARSITY, start_step=0, end_step=0, frequency=1)
        self.blocks: list[Block] = []
        self.event_s = 0.0
        self._patience = patience
        self._is_on = False
        self._masking_s = self._began = self._began_cpu = 0.0
        self._busy: float | None = None

    def with_embeddings(self, embeddings: str) -> "InTurn":
        self.options = self.options.model_copy(update={"embeddings": embeddings})
        return self

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            began = time.perf_counter()
            super().on_step_begin(args, state, control, **kwargs)
            self.event_s = time.perf_counter() - began
        if state.global_step % BLOCK_STEPS == 0:
            began = time.monotonic()
            wait_for_quiet(self._patience)
            self._patience = max(0.0, self._patience - (time.monotonic() - began))
            self._is_on = state.global_step // BLOCK_STEPS % 4 in (0, 3)
            self._masking_s, self._busy = 0.0, busy_seconds()
            self._began, self._began_cpu = time.perf_counter(), time.process_time()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._is_on:
            began = time.perf_counter()
            super().on_pre_optimizer_step(args, state, control, **kwargs)
            self._masking_s += time.perf_counter() - began

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % BLOCK_STEPS == 0:
            wall = time.perf_counter() - self._began
            cpu = time.process_time() - self._began_cpu
            others = other_cpu_seconds(self._busy, cpu)
            load = None if others is None else round(others / wall / (os.cpu_count() or 1), 3)
            masking = self._masking_s / BLOCK_STEPS
            step_s, step_cpu_s = wall / BLOCK_STEPS, cpu / BLOCK_STEPS
            self.blocks.append(Block(self._is_on, step_s, step_cpu_s, masking, load))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Weights have moved in the blocks without masks: there is nothing to check."""


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    provenance = Provenance.now()
    rows = [
        measure(options, *case) for case in CASES if not options.data or case[0] in options.data
    ]
    result = MaskOverheads(
        model="bundled:multilingual-e5-small",
        task="ner",
        precision="bf16 autocast, weights in float32",
        sparsity=SPARSITY,
        rows=tuple(rows),
    )
    if not options.dry_run:
        write_result("mask-overhead", provenance, result)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=8, help="counted pairs of blocks")
    parser.add_argument("--max-pairs", type=int, default=16, help="pairs of blocks that are run")
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds to wait in all for a quiet machine"
    )
    parser.add_argument("--data", nargs="+", help="such as ner/panx; default: all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    return parser.parse_args()


def measure(options: argparse.Namespace, data: str, language: str, embeddings: str) -> MaskOverhead:
    task, tokenizer = get_task("ner"), load_tokenizer(bundled_path())
    sentences = task.read(str(data_directory() / data), language, "train")
    labels = task.labels(sentences)
    examples = of_equal_length(task.encode(sentences, tokenizer, labels, 128))
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(bundled_path(), num_labels=len(labels))
    turns = InTurn(options.patience).with_embeddings(embeddings)
    steps = 2 * BLOCK_STEPS * (options.max_pairs + 1)
    config = TrainingConfig(batch_size=BATCH, max_steps=steps, save_steps=None)
    train(model, examples, config, callbacks=[turns])
    assert turns.controller is not None
    row = MaskOverhead(
        data=f"{data} {language}",
        batch=BATCH,
        tokens_per_step=BATCH * len(examples[0].input_ids),
        num_threads=torch.get_num_threads(),
        embeddings=embeddings,
        num_masked_weights=turns.controller.num_weights,
        num_removed=turns.controller.num_removed,
        event_s=round(turns.event_s, 2),
        **summed_up(turns.blocks[2:], options.pairs),
    )
    sys.stdout.write(row.model_dump_json(indent=1) + "\n")
    return row


def of_equal_length(encoded: Sequence[Any]) -> list[Example]:
    """Cut or repeat every sentence to the mean length."""
    length = round(statistics.fmean(len(one.input_ids) for one in encoded))
    return [
        Example(np.resize(one.input_ids, length), np.resize(one.labels, length)) for one in encoded
    ]


def summed_up(blocks: Sequence[Block], num_counted: int) -> dict[str, Any]:
    pairs = [sorted(pair, reverse=True) for pair in zip(blocks[::2], blocks[1::2], strict=True)]
    loads = [max(block.other_load or 0.0 for block in pair) for pair in pairs]
    chosen = np.argsort(loads, kind="stable")[:num_counted]
    counted = [pairs[place] for place in chosen]
    ratios = sorted(on.step_s / off.step_s for on, off in counted)
    return {
        "num_pairs": len(pairs),
        "num_pairs_counted": len(counted),
        "max_other_load": max(loads[place] for place in chosen),
        "step_ms": round(1e3 * statistics.median(off.step_s for _, off in counted), 1),
        "masking_ms": round(1e3 * statistics.median(on.masking_s for on, _ in counted), 2),
        "ratio_median": round(statistics.median(ratios), 4),
        "ratio_min": round(ratios[0], 4),
        "ratio_max": round(ratios[-1], 4),
        "cpu_ratio": round(
            statistics.median(on.step_cpu_s / off.step_cpu_s for on, off in counted), 4
        ),
    }


if __name__ == "__main__":
    main()
