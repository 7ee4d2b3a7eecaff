"""One of the two trainers that `bench_training_step` compares: waits for its turn, block by block.

Reads a line `go` or `end` from standard input; answers a block with a line of JSON on standard
output, and the end with another.
"""

import argparse
import json
import sys
import tempfile
import time
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForTokenClassification,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from tinyglot.checkpoints import bundled_path
from tinyglot.measure.peak import peak_memory_bytes
from tinyglot.tasks import get_task
from tinyglot.tokenizers import load_tokenizer
from tinyglot.training import (
    LengthGroupedBatches,
    PaddingCollator,
    TrainingConfig,
    train,
    training_loader,
)
from tinyglot.training.trainer import TokenBatchTrainer

LEARNING_RATE = 1e-4


class Turns(TrainerCallback):
    """Stops before each block until a line comes, and says afterwards what the block took."""

    def __init__(self, block_steps: int, tokens: list[int]) -> None:
        self._block_steps, self._tokens = block_steps, tokens
        self._wall = self._cpu = 0.0
        self.peak_memory_bytes = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._may_go_on()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self._block_steps == 0:
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def _may_go_on(self) -> bool:
        return sys.stdin.readline() == "go\n"

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self._block_steps == 0:
            first = state.global_step - self._block_steps
            answer(
                num_steps=self._block_steps,
                num_tokens=sum(self._tokens[first : state.global_step]),
                wall_s=round(time.perf_counter() - self._wall, 4),
                cpu_s=round(time.process_time() - self._cpu, 4),
            )
            self.peak_memory_bytes = peak_memory_bytes()
            control.should_training_stop = not self._may_go_on()


class PlainTrainer(Trainer):
    """The Trainer as it comes, but for being given the same batches."""

    batches: LengthGroupedBatches

    def get_train_dataloader(self) -> Any:
        self.step_losses: list[torch.Tensor] = []
        return training_loader(self.train_dataset, self.batches, self.data_collator)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        self.step_losses.append(loss)
        return loss


def main() -> None:
    options = parse()
    sys.stdout = sys.stderr  # the plain Trainer prints its closing figures
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    base = peak_memory_bytes()
    model, examples = prepare(options)
    batches = LengthGroupedBatches([len(e.input_ids) for e in examples], batch_size=options.batch)
    turns = Turns(options.block_steps, tokens_by_step(examples, batches, options.steps))
    run = run_active if options.trainer == "active" else run_plain
    losses, rows = run(model, examples, options, turns)
    answer(
        base_memory_bytes=base,
        steps_peak_memory_bytes=turns.peak_memory_bytes,
        peak_memory_bytes=peak_memory_bytes(),
        losses=losses,
        rows=rows,
        num_threads=torch.get_num_threads(),
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer", choices=["active", "plain"])
    parser.add_argument("data")
    parser.add_argument("language")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--block-steps", type=int, required=True)
    return parser.parse_args()


def prepare(options: argparse.Namespace) -> tuple[PreTrainedModel, list[Any]]:
    """Load the bundled encoder with a new head, and encode the training sentences."""
    task = get_task("ner")
    sentences = task.read(options.data, options.language, "train")
    labels = task.labels(sentences)
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_pretrained(bundled_path(), num_labels=len(labels))
    examples = task.encode(sentences, load_tokenizer(bundled_path()), labels, 128)
    return model, examples


def tokens_by_step(examples: list[Any], batches: LengthGroupedBatches, steps: int) -> list[int]:
    tokens: list[int] = []
    for epoch in range(-(-steps // len(batches))):
        batches.set_epoch(epoch)
        tokens += [sum(len(examples[index].input_ids) for index in batch) for batch in batches]
    return tokens


def run_active(
    model: PreTrainedModel, examples: list[Any], options: argparse.Namespace, turns: Turns
) -> tuple[list[float], int]:
    """Train as tinyglot does."""
    kept: list[np.ndarray] = []
    release = TokenBatchTrainer.release

    def keep_losses(trainer: TokenBatchTrainer) -> None:
        kept.append(trainer.step_losses())
        release(trainer)

    TokenBatchTrainer.release = keep_losses
    config = TrainingConfig(
        batch_size=options.batch,
        max_steps=options.steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.0,  # the plain Trainer's default; it would decay embeddings
        save_steps=None,
    )
    result = train(model, examples, config, callbacks=[turns])
    return (kept[0][:, 0] / kept[0][:, 1]).tolist(), result.record.num_embedding_rows


def run_plain(
    model: PreTrainedModel, examples: list[Any], options: argparse.Namespace, turns: Turns
) -> tuple[list[float], int]:
    """Train with the Trainer's defaults at the same learning rate, warm-up and precision."""
    with tempfile.TemporaryDirectory() as directory:
        arguments = TrainingArguments(
            output_dir=directory,
            max_steps=options.steps,
            per_device_train_batch_size=options.batch,
            learning_rate=LEARNING_RATE,
            warmup_steps=0.1,
            bf16=True,
            use_cpu=True,
            seed=0,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        trainer = PlainTrainer(
            model,
            arguments,
            train_dataset=examples,
            data_collator=PaddingCollator(model.config.pad_token_id),
            callbacks=[turns],
        )
        trainer.batches = LengthGroupedBatches(
            [len(example.input_ids) for example in examples], batch_size=options.batch
        )
        trainer.train()
    rows = model.get_input_embeddings().weight.shape[0]
    return [float(loss) for loss in trainer.step_losses], rows


def answer(**values: Any) -> None:
    sys.__stdout__.write(json.dumps(values) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main()
