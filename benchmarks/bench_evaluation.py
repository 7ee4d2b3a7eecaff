"""Evaluating a tagger against the bare forward passes of the same batches, and its intervals.

Bare: the batches lie padded in memory, the model runs, nothing is looked at. Evaluated: encode,
batch, run, decode, count, scores with 10,000 resamples. Both run on one thread in turn; CPU time
is compared, which other processes change little.

python -m benchmarks.bench_evaluation [--sentences 10000]      writes results/evaluation.json
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice

import numpy as np
import torch
from transformers import AutoModelForTokenClassification, PreTrainedModel

from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import Evaluation, EvaluationRound, write_result
from tinyglot import bundled_path
from tinyglot.data.conll import TaggedSentence
from tinyglot.evaluation.bootstrap import bootstrap_interval
from tinyglot.evaluation.predict import padded_batches, torch_predictor
from tinyglot.evaluation.score import evaluate_examples, score_rows
from tinyglot.tasks import get_task
from tinyglot.tasks.scores import f1
from tinyglot.tokenizers import load_tokenizer

DATA, LANGUAGE = "ner/masakhaner2", "swh-Latn"
TASK = get_task("ner")
NUM_EXAMPLES, NUM_RESAMPLES = 5_000, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    provenance = Provenance.now()
    rounds, num_tokens = evaluation_rounds(options.sentences, options.rounds)
    result = Evaluation(
        model="bundled:multilingual-e5-small",
        data=f"{DATA}, {LANGUAGE}, all splits, repeated as often as it takes",
        num_sentences=options.sentences,
        num_tokens=num_tokens,
        num_threads=1,
        cpu_ratio_median=statistics.median(r.evaluated_cpu_s / r.bare_cpu_s for r in rounds),
        rounds=rounds,
        bootstrap=tuple(bootstrap_times()),
    )
    sys.stdout.write(result.model_dump_json(indent=1) + "\n")
    if not options.dry_run:
        write_result("evaluation", provenance, result)


def evaluation_rounds(num_sentences: int, num: int) -> tuple[tuple[EvaluationRound, ...], int]:
    """Run both in turn, ``num`` times; give the times and the number of tokens."""
    examples = sentences(num_sentences)
    labels = TASK.labels(examples)
    tokenizer = load_tokenizer(bundled_path())
    model = AutoModelForTokenClassification.from_pretrained(
        bundled_path(), num_labels=len(labels)
    ).eval()
    predictor = torch_predictor(model)
    encoded = TASK.encode(examples, tokenizer, labels, 512)
    batches = [batch for _, batch in padded_batches(encoded, int(tokenizer.pad_token_id))]

    def evaluate() -> None:
        found = evaluate_examples(predictor, tokenizer, labels, TASK, {LANGUAGE: examples})
        names = {"model": "bundled", "dataset": DATA, "split": "all"}
        score_rows(found, TASK, names, seed=0)

    rounds = []
    for _ in range(num):
        bare, evaluated = timed(lambda: run_bare(model, batches)), timed(evaluate)
        rounds.append(
            EvaluationRound(
                bare_wall_s=bare[0],
                bare_cpu_s=bare[1],
                evaluated_wall_s=evaluated[0],
                evaluated_cpu_s=evaluated[1],
            )
        )
        sys.stderr.write(f"{rounds[-1]}\n")
    return tuple(rounds), sum(len(part.input_ids) for part in encoded)


def sentences(num: int) -> list[TaggedSentence]:
    """Take the sentences of all splits, and again from the first if there are too few."""
    source = str(data_directory() / DATA)
    found = [s for split in ("test", "dev", "train") for s in TASK.read(source, LANGUAGE, split)]
    return list(islice(cycle(found), num))


def run_bare(model: PreTrainedModel, batches: list[dict[str, np.ndarray]]) -> None:
    with torch.inference_mode():
        for batch in batches:
            model(**{name: torch.from_numpy(values) for name, values in batch.items()})


def bootstrap_times() -> list[dict[str, str | int | float]]:
    """Time intervals of F1 for counts that repeat and counts that do not."""
    generator = np.random.default_rng(0)
    gold = generator.poisson(2.0, NUM_EXAMPLES)
    found = generator.poisson(2.0, NUM_EXAMPLES)
    ner = np.stack([generator.binomial(np.minimum(gold, found), 0.9), found, gold], axis=1)
    return [
        bootstrap_time("entities", ner),
        bootstrap_time("all different", generator.random((NUM_EXAMPLES, 3))),
    ]


def bootstrap_time(counts_of: str, counts: np.ndarray) -> dict[str, str | int | float]:
    return {
        "counts_of": counts_of,
        "num_examples": len(counts),
        "num_kinds": len(np.unique(counts, axis=0)),
        "num_resamples": NUM_RESAMPLES,
        "cpu_s": timed(lambda: bootstrap_interval(counts, f1, 0, NUM_RESAMPLES))[1],
        "multinomial_cpu_s": timed(lambda: one_multinomial_a_resample(counts))[1],
    }


def one_multinomial_a_resample(counts: np.ndarray) -> None:
    """What it takes to draw how often each single example occurs (100 resamples at a time)."""
    generator = np.random.default_rng(0)
    shares = np.full(len(counts), 1.0 / len(counts))
    for _ in range(NUM_RESAMPLES // 100):
        f1(generator.multinomial(len(counts), shares, size=100) @ counts.astype(np.float64))


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Give wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3)


if __name__ == "__main__":
    main()
