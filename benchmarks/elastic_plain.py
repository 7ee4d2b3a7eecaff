"""Slices in an environment without tinyglot: what plain transformers computes from them.

WORK is that of `bench_elastic`, which left the slices there; PYTHON the interpreter of an
environment with torch and transformers of the same versions, and without tinyglot. Logits on the
first sentences of the test split must be those of the model that tinyglot loads.

python -m benchmarks.elastic_plain WORK PYTHON      writes results/elastic-plain.json
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from torch import Tensor

from benchmarks.bench_elastic import RECIPE, SIZES
from benchmarks.bench_sparse import checked
from benchmarks.elastic_plain_result import ElasticPlain, PlainSlice
from benchmarks.plain_logits import logits
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import write_result
from tinyglot import load_checkpoint
from tinyglot.files import read_json
from tinyglot.tasks import get_task

PROGRAM = Path(__file__).with_name("plain_logits.py")
SPLIT, SENTENCES = "test", 32  # of each language


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("python", help="interpreter of an environment without tinyglot")
    given = parser.parse_args()
    provenance = Provenance.now()
    result = measured(given.work.absolute(), given.python)
    sys.stdout.write(f"{write_result('elastic-plain', provenance, result).name}\n")


def measured(work: Path, python: str) -> ElasticPlain:
    recipe = yaml.safe_load(RECIPE.read_text("utf-8"))
    task = get_task(recipe["task"])
    chosen = {
        language: task.read(recipe["data"], language, SPLIT)[:SENTENCES]
        for language in recipe["languages"]
    }
    sentences = [list(each.words) for examples in chosen.values() for each in examples]
    slices = [work / f"slice-{layers}x{ffn}" for layers, ffn in SIZES]
    environment, alone = loaded_alone(python, slices, sentences)
    return ElasticPlain(
        environment=environment,
        data="panx",
        split=SPLIT,
        n_by_language={language: len(examples) for language, examples in chosen.items()},
        slices=tuple(
            compared(directory, theirs, sentences)
            for directory, theirs in zip(slices, alone, strict=True)
        ),
    )


def loaded_alone(
    python: str, slices: Sequence[Path], sentences: Sequence[Sequence[str]]
) -> tuple[dict[str, str], list[list[Tensor]]]:
    with tempfile.TemporaryDirectory() as folder:
        words, out = Path(folder) / "sentences.json", Path(folder) / "logits.pt"
        words.write_text(json.dumps(sentences), encoding="utf-8")
        versions = checked(run_fresh([python, "-I", PROGRAM, words, out, *slices])).stdout
        return json.loads(versions), torch.load(out)


def compared(
    directory: Path, theirs: Sequence[Tensor], sentences: Sequence[Sequence[str]]
) -> PlainSlice:
    checkpoint = load_checkpoint(str(directory))
    ours = logits(checkpoint.model.eval(), checkpoint.tokenizer, sentences)
    pairs = zip(theirs, ours, strict=True)
    sizes = read_json(directory / "slice.json")
    return PlainSlice(
        layers=len(sizes["layers"]),
        ffn=sizes["ffn"],
        num_parameters=sizes["num_parameters"],
        largest_difference=float(torch.stack([(a - b).abs().max() for a, b in pairs]).max()),
    )


if __name__ == "__main__":
    main()
