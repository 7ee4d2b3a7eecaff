"""What a token of training costs in the published order of paper 1 and in ours.

The three stages that train (adaptation, distillation after depth, distillation after width) on the
same Swahili documents: in the published order with the full vocabulary, documents padded to 512
tokens, fp32, logits of every position of student and teacher; in ours with the vocabulary trimmed
first, packed sequences, bf16, as the recipe `extreme` has it. Rounds of all six stages in turn.
A published step of 8 documents needs more memory than a laptop has and a minute: one document is
timed, and an eighth of the update is counted for it.

python -m benchmarks.bench_extreme_cost      writes results/extreme-cost.json (about an hour)
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from benchmarks.extreme_cost_result import CostRound, ExtremeCost, StageCost
from benchmarks.places import data_directory
from benchmarks.processes import busy_seconds, other_cpu_seconds
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from tinyglot.checkpoints import load_checkpoint
from tinyglot.data.text import TextSource
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method
from tinyglot.recipes import read_recipe
from tinyglot.surgery import copy_model, count_parameters
from tinyglot.training.distillation import TextDistillation
from tinyglot.training.text import TextSetup, headed_model, train_on_text

MODEL, LANGUAGE = "bundled:multilingual-e5-small", "swh-Latn"
PUBLISHED_LENGTH, PUBLISHED_DOCUMENTS = 512, 8
STAGES = ("adaptation", "first distillation", "second distillation")
SEED = 0
Pair = tuple[PreTrainedModel, PreTrainedTokenizerFast]


class Stage(NamedTuple):
    """A student and its teacher, if it has one."""

    student: PreTrainedModel
    teacher: PreTrainedModel | None


class Timed(NamedTuple):
    round: CostRound
    num_positions: int


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    provenance = Provenance.now()
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(options, Path(temporary))
    sys.stdout.write(result.model_dump_json(indent=1) + "\n")
    if not options.dry_run:
        write_result("extreme-cost", provenance, result)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5, help="of each stage in a round")
    parser.add_argument("--documents", type=int, default=1, help="of a published step")
    parser.add_argument("--document-tokens", type=int, default=384)
    parser.add_argument("--num-documents", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--dry-run", action="store_true", help="write no result")
    return parser.parse_args()


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def measure(options: argparse.Namespace, directory: Path) -> ExtremeCost:
    original = load_checkpoint(MODEL)
    folder = data_directory() / "text" / "sw"
    lengths = write_documents(original.tokenizer, folder, directory / "sw.txt", options)
    context = Context(SEED, languages=(LANGUAGE,), text={LANGUAGE: (folder,)})
    tell(f"{len(lengths)} documents; now the six models")
    runners = {
        **dict(published_stages(options, directory / "sw.txt", original, context)),
        **dict(our_stages(options, directory / "sw.txt", original, context)),
    }
    found: dict[tuple[str, str], list[Timed]] = {key: [] for key in runners}
    for number in range(options.rounds):
        for key, run in runners.items():
            found[key].append(run(number))
            tell(f"round {number + 1}, {' '.join(key)}: {found[key][-1].round}")
    stages = tuple(_stage_cost(key, runners[key], timed) for key, timed in found.items())
    return ExtremeCost(
        model=MODEL,
        text="text/sw",
        num_documents=len(lengths),
        mean_tokens_of_a_document=round(statistics.fmean(lengths), 1),
        documents_per_step=options.documents,
        num_threads=options.threads,
        published_over_ours=round(_total("published", stages) / _total("ours", stages), 2),
        stages=stages,
    )


def write_documents(
    tokenizer: PreTrainedTokenizerFast, folder: Path, path: Path, options: argparse.Namespace
) -> list[int]:
    """Join neighbouring lines to documents, since the published ones are pages of the web."""
    documents: list[list[str]] = [[]]
    lengths = [0]
    for line in TextSource((folder,)).lines():
        size = len(tokenizer(line, add_special_tokens=False)["input_ids"])
        if lengths[-1] and lengths[-1] + size > options.document_tokens:
            if len(documents) == options.num_documents:
                break
            documents.append([])
            lengths.append(0)
        documents[-1].append(line.strip())
        lengths[-1] += size
    path.write_text("".join(" ".join(one) + "\n" for one in documents), encoding="utf-8")
    return lengths


# --- the published order ------------------------------------------------------------------------


class Published:
    """Masked LM and squared distances of all logits, on padded documents, in plain PyTorch."""

    precision: Literal["fp32"] = "fp32"

    def __init__(
        self,
        stage: Stage,
        tokenizer: PreTrainedTokenizerFast,
        text: Path,
        options: argparse.Namespace,
    ) -> None:
        self.stage, self._tokenizer, self._options = stage, tokenizer, options
        self._documents = text.read_text(encoding="utf-8").splitlines()
        self._random = torch.Generator().manual_seed(SEED)

    def __call__(self, number: int) -> Timed:
        options = self._options
        model = copy_model(self.stage.student)
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0)
        took = updates = 0.0
        tokens = positions = 0
        busy, cpu = busy_seconds(), time.process_time()
        for each in range(options.steps):
            first = (number * options.steps + each) * options.documents
            batch = self._batch(self._documents[first : first + options.documents])
            began = time.perf_counter()
            self._loss(model, batch).backward()
            middle = time.perf_counter()
            optimizer.step()
            optimizer.zero_grad()
            update = (time.perf_counter() - middle) * options.documents / PUBLISHED_DOCUMENTS
            took, updates = took + middle - began + update, updates + update
            tokens += int(batch["attention_mask"].sum())
            positions += batch["input_ids"].numel()
        others = other_cpu_seconds(busy, time.process_time() - cpu)
        made = _round(took, updates, options.steps, tokens, others)
        return Timed(made, positions)

    def _batch(self, documents: Sequence[str]) -> dict[str, torch.Tensor]:
        batch = self._tokenizer(
            list(documents),
            truncation=True,
            max_length=PUBLISHED_LENGTH,
            padding="max_length",
            return_tensors="pt",
        )
        ids, attended = batch["input_ids"], batch["attention_mask"]
        hidden = torch.rand(ids.shape, generator=self._random).lt(0.15) & attended.bool()
        labels = torch.where(hidden, ids, -100)
        ids = torch.where(hidden, int(self._tokenizer.mask_token_id), ids)
        return {"input_ids": ids, "attention_mask": attended, "labels": labels}

    def _loss(self, model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(
            logits.view(-1, logits.shape[-1]), batch["labels"].view(-1)
        )
        if self.stage.teacher is None:
            return loss
        with torch.no_grad():
            wanted = self.stage.teacher(**inputs).logits
        return 0.5 * loss + 0.5 * torch.nn.functional.mse_loss(logits, wanted)


def published_stages(
    options: argparse.Namespace, text: Path, original: Any, context: Context
) -> Iterator[tuple[tuple[str, str], Published]]:
    tokenizer = original.tokenizer
    teacher = headed_model(original.model, SEED)
    shallow, _ = step("layer_dropping", (teacher, tokenizer), context, num_layers=6)
    narrow_ffn, _ = without_neurons((shallow, tokenizer), context)
    narrow, _ = step(
        "width_reduction", (narrow_ffn, tokenizer), context, hidden_size=156, basis="truncation"
    )
    made = (Stage(teacher, None), Stage(shallow, teacher), Stage(narrow, narrow_ffn))
    for name, stage in zip(STAGES, made, strict=True):
        yield ("published", name), Published(stage, tokenizer, text, options)


# --- ours ---------------------------------------------------------------------------------------


class Ours:
    """A step of the recipe ``extreme``, trained for a few steps by its own code."""

    precision: Literal["bf16"] = "bf16"

    def __init__(
        self,
        stage: Stage,
        tokenizer: PreTrainedTokenizerFast,
        text: Path,
        options: argparse.Namespace,
        config: Any,
    ) -> None:
        self.stage, self._tokenizer, self._config = stage, tokenizer, config
        self._text, self._options = {LANGUAGE: (text,)}, options

    def __call__(self, number: int) -> Timed:
        student, teacher = self.stage
        context = Context(SEED + number, languages=(LANGUAGE,), text=self._text)
        plan = get_method("adaptation").plan(student, self._tokenizer, self._config, context)
        setup = TextSetup(context.seed, text=self._text)
        aim = None
        if teacher is not None:
            aim = TextDistillation(student, teacher, objectives(), seed=SEED)
        busy, cpu = busy_seconds(), time.process_time()
        made = train_on_text(student, self._tokenizer, plan, setup, aim)
        others = other_cpu_seconds(busy, time.process_time() - cpu)
        tokens, steps = made.record.num_tokens, made.record.num_steps
        positions = max(tokens, steps * int(self._config.batch_tokens or 0))
        return Timed(_round(made.seconds, 0.0, steps, tokens, others), positions)


def our_stages(
    options: argparse.Namespace, text: Path, original: Any, context: Context
) -> Iterator[tuple[tuple[str, str], Ours]]:
    pair = (headed_model(original.model, SEED), original.tokenizer)
    teacher, tokenizer = step("vocabulary_trimming", pair, context, max_vocabulary_size=40_000)
    shallow = without_neurons(
        step("layer_dropping", (teacher, tokenizer), context, num_layers=6), context
    )[0]
    narrow, _ = step(
        "width_reduction",
        (shallow, tokenizer),
        context,
        hidden_size=160,
        basis="pca",
        reconstruct=False,
        num_lines=50,
    )
    config = our_training(options)
    made = (Stage(teacher, None), Stage(shallow, teacher), Stage(narrow, shallow))
    for name, stage in zip(STAGES, made, strict=True):
        yield ("ours", name), Ours(stage, tokenizer, text, options, config)


def our_training(options: argparse.Namespace) -> Any:
    """Give the recipe's own options, for a few steps, without looks at held-out text."""
    own = next(one for one in read_recipe("extreme").steps if one.method == "adaptation")
    short = {
        "max_steps": options.steps,
        "head_steps": 0,
        "held_out_lines": 0,
        "save_steps": None,
    }
    return type(own).model_validate({**own.model_dump(), **short})


def objectives() -> Any:
    steps = [one for one in read_recipe("extreme").steps if one.method == "distillation"]
    return steps[-1].objectives


# --- both ---------------------------------------------------------------------------------------


def step(name: str, pair: Pair, context: Context, **options: Any) -> Pair:
    method = get_method(name)
    plan = method.plan(*pair, method.config_class(**options), context)
    return method.apply(*pair, plan, context)


def without_neurons(pair: Pair, context: Context) -> Pair:
    """Only the shape matters here, so no importance is measured on text."""
    return step("ffn_pruning", pair, context, pruning_ratio=0.33333333, scorer="magnitude")


def _round(wall: float, updates: float, steps: int, tokens: int, others: float | None) -> CostRound:
    load = None if others is None else round(others / wall / (os.cpu_count() or 1), 3)
    return CostRound(
        wall_s=round(wall, 3),
        optimizer_s=round(updates, 3),
        num_steps=steps,
        num_tokens=tokens,
        other_load=load,
    )


def _stage_cost(
    key: tuple[Any, Any], runner: Callable[[int], Timed], timed: Sequence[Timed]
) -> StageCost:
    assert isinstance(runner, Published | Ours)
    positions = sum(one.num_positions for one in timed)
    tokens = sum(one.round.num_tokens for one in timed)
    each = [1000 * one.round.wall_s / one.round.num_tokens for one in timed]
    student = runner.stage.student
    return StageCost(
        order=key[0],
        stage=key[1],
        num_parameters=count_parameters(student).num_parameters,
        vocabulary_size=int(student.config.vocab_size),
        precision=runner.precision,
        padding_share=round(1 - tokens / positions, 4),
        ms_per_token=round(statistics.median(each), 4),
        rounds=tuple(one.round for one in timed),
    )


def _total(order: str, stages: Sequence[StageCost]) -> float:
    return sum(one.ms_per_token for one in stages if one.order == order)


if __name__ == "__main__":
    main()
