"""What removing heads and neurons does to the bundled encoder before any training.

Retrieval of the English translation (Tatoeba) by the nearest mean-pooled sentence vector, for
each scorer; how much the masks of single languages agree. Writes
results/unit-pruning-e5-small.json. About 3 minutes on one core.

python -m benchmarks.measure_unit_pruning
"""

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer

from benchmarks.measure_layer_dropping import LANGUAGES, embed
from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from benchmarks.unit_pruning_result import LanguageOverlap, UnitPruning, UnitPruningRow
from tinyglot import bundled_path
from tinyglot.importance import Importance, aggregate_importance, mask_overlap, measure_importance
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method
from tinyglot.surgery import count_parameters
from tinyglot.training.pruning import read_calibration

TAGS = ("swh-Latn", "amh-Ethi")
NUM_PAIRS, NUM_LINES = 150, 50
RATIO = 0.5
METHODS = {"head_pruning": "heads", "ffn_pruning": "neurons"}
# scorer, shape, aggregate
CUTS = (
    ("taylor", "uniform", "pooled"),
    ("taylor", "free", "pooled"),
    ("taylor", "free", "worst_language"),
    ("activation", "uniform", "pooled"),
    ("magnitude", "uniform", "pooled"),
    ("random", "uniform", "pooled"),
)


def main() -> None:
    torch.set_num_threads(1)
    provenance = Provenance.now()
    directory = bundled_path("multilingual-e5-small")
    pair = (
        AutoModel.from_pretrained(directory).eval(),
        AutoTokenizer.from_pretrained(directory),
    )
    scores, seconds = importances(*pair)
    with tempfile.TemporaryDirectory() as folder:
        rows = tuple(
            cut(pair, name, choice, scores[choice[0], choice[2]], Path(folder))
            for name in METHODS
            for choice in CUTS
        )
    languages = {tag: scores["taylor", tag] for tag in TAGS}
    result = UnitPruning(
        model="multilingual-e5-small",
        num_pairs={tag: len(pairs(tag)[0]) for tag in TAGS},
        num_lines=NUM_LINES,
        importance_seconds=seconds,
        uncut=accuracies(*pair),
        rows=rows,
        overlaps=tuple(overlaps(languages)),
        random_jaccard={
            name: halves(
                kind, *(measure_importance(pair[0], [], "random", seed=s) for s in (0, 1))
            )[0]
            for name, kind in METHODS.items()
        },
    )
    write_result("unit-pruning-e5-small", provenance, result)


def importances(model, tokenizer) -> tuple[dict[tuple[str, str], Importance], dict[str, float]]:
    """Measure each scorer once, taylor on each language too."""
    folders = {tag: (data_directory() / "text" / LANGUAGES[tag][0],) for tag in TAGS}
    context = Context(languages=TAGS, text=folders)
    config = get_method("ffn_pruning").config_class(
        ffn_size=1, calibration_sentences=NUM_LINES, max_length=64
    )
    calibration = read_calibration(model, tokenizer, config, context)

    def measure(scorer: str, *tags: str) -> Importance:
        batches = calibration.batches(tags, model.config.pad_token_id)
        return measure_importance(model, batches, scorer, "hidden_states")

    found, seconds = {}, {}
    for scorer in ("taylor", "activation", "magnitude", "random"):
        started = time.perf_counter()
        found[scorer, "pooled"] = measure(scorer, *TAGS)
        seconds[scorer] = round(time.perf_counter() - started, 2)
    found |= {("taylor", tag): measure("taylor", tag) for tag in TAGS}
    found["taylor", "worst_language"] = aggregate_importance(
        {tag: found["taylor", tag] for tag in TAGS}, "worst_language"
    )
    return found, seconds


def cut(pair, name, choice, importance, folder) -> UnitPruningRow:
    method, (scorer, shape, aggregate) = get_method(name), choice
    importance.save(folder / "importance.safetensors", pair[0])
    config = method.config_class(
        pruning_ratio=RATIO, shape=shape, importance_file=folder / "importance.safetensors"
    )
    smaller, _ = method.apply(*pair, method.plan(*pair, config, Context()), Context())
    counts = count_parameters(smaller)
    row = UnitPruningRow(
        method=name,
        pruning_ratio=RATIO,
        scorer=scorer,
        shape=shape,
        aggregate=aggregate,
        num_parameters=counts.num_parameters - counts.num_embedding_parameters,
        accuracy=accuracies(smaller, pair[1]),
    )
    print(json.dumps(row.model_dump()), file=sys.stderr, flush=True)
    return row


def overlaps(languages):
    for name, kind in METHODS.items():
        for one, other in itertools.combinations(TAGS, 2):
            jaccard, correlation = halves(kind, languages[one], languages[other])
            yield LanguageOverlap(
                method=name, languages=(one, other), jaccard=jaccard, rank_correlation=correlation
            )


def halves(kind: str, one: Importance, other: Importance) -> tuple[float, float]:
    a, b = one.of(kind), other.of(kind)
    found = mask_overlap(a, b, sum(map(len, a)) // 2, uniform=True)
    return round(found.jaccard, 4), round(found.rank_correlation, 4)


def pairs(tag: str) -> tuple[list[str], list[str]]:
    folder = data_directory() / "retrieval" / "tatoeba" / LANGUAGES[tag][1]
    here, english = (
        (folder / f"{name}.txt").read_text("utf-8").splitlines()[:NUM_PAIRS]
        for name in (LANGUAGES[tag][1], "eng")
    )
    return here, english


def accuracies(model, tokenizer) -> dict[str, float]:
    found = {}
    for tag in TAGS:
        here, english = (embed(model, tokenizer, side) for side in pairs(tag))
        hits = (here @ english.T).argmax(dim=1) == torch.arange(len(here))
        found[tag] = round(float(hits.float().mean()), 4)
    return found


if __name__ == "__main__":
    main()
