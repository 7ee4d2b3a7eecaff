"""Writes results/imp-control/artefacts.json: what mistakes of an evaluation make of a good tagger.

tinyglot study run imp-control --only-cells KEY --keep --data panx=DIR --out STORE   # a dense one
python -m benchmarks.imp_control_artefacts STORE/work/KEY DIR
"""

import argparse
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from benchmarks.imp_control import ARTEFACTS, PLACE
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.data.iob import spans
from tinyglot.data.perturbations import MentionReplacement
from tinyglot.data.perturbations.directory import perturbed_copies
from tinyglot.evaluation.score import evaluate_split
from tinyglot.export import load_predictor
from tinyglot.files import write_json
from tinyglot.recipes import read_recipe
from tinyglot.recipes.heads import label_names
from tinyglot.recipes.inputs import evaluated_languages, task_of
from tinyglot.tasks.scores import f1
from tinyglot.tokenizers import load_tokenizer

BREAK = "O"
Tagged = tuple[list[str], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run directory of a dense cell")
    parser.add_argument("data", help="PAN-X")
    arguments = parser.parse_args()
    recipe = read_recipe(arguments.run / "recipe.yaml")
    languages, split = evaluated_languages(recipe), recipe.evaluate.split
    swaps = [MentionReplacement()]
    with perturbed_copies(arguments.data, languages, swaps, split) as (copy,):
        sources = {"regular": arguments.data, "in-language": str(copy)}

        def tags(model: Path) -> dict[str, Tagged]:
            return {
                name: tagged(model, task_of(recipe), source, languages, split)
                for name, source in sources.items()
            }

        good = tags(arguments.run / "final")
        fresh = tags(with_new_head(arguments.run / "final", arguments.run / "new-head"))
        untrained = tags(with_new_encoder(arguments.run / "final", arguments.run / "new"))
    labels = label_names(arguments.run / "final")
    by_place = by_file(good, labels)
    late = {name: shifted(pair) for name, pair in good.items()}
    rows = [
        row("the right labels", good, None),
        row("labels in the order of their first place in the perturbed text", good, by_place),
        every_order(good, labels, keep_outside=False),
        every_order(good, labels, keep_outside=True),
        row("tags out of step by one word", late, None),
        row("a head that was not loaded (new, random)", fresh, None),
        row("the encoder as it was before training, under a new head", untrained, None),
    ]
    found = {
        "seed": recipe.seed,
        "num_sentences": len(languages) * num_sentences(split),
        "labels": list(labels),
        "rows": rows,
    }
    write_json(PLACE / ARTEFACTS, found)


def tagged(model: Path, task: Any, source: str, languages: Sequence[str], split: str) -> Tagged:
    """Correct and predicted tags of all sentences in one row, an O behind each sentence."""
    predictor = load_predictor(model)
    tokenizer, labels = load_tokenizer(model), label_names(model)
    found = evaluate_split(predictor, tokenizer, labels, task, source, languages, split)
    right: list[str] = []
    given: list[str] = []
    for one in found.values():
        for example, predicted in zip(one.examples, one.predictions, strict=True):
            right += [*example.tags, BREAK]
            given += [*predicted, BREAK]
    return right, given


def num_sentences(split: str) -> int:
    return int(split.partition("[:")[2].rstrip("]"))


# --- wrong labels -------------------------------------------------------------------------------


def row(what: str, tags: Mapping[str, Tagged], names: Mapping[str, str] | None) -> dict[str, str]:
    shown = {name: f"{100 * score(pair, names):.1f}" for name, pair in tags.items()}
    return {"what": what, **shown}


def score(pair: Tagged, names: Mapping[str, str] | None) -> float:
    right, given = pair
    read = given if names is None else [names[tag] for tag in given]
    correct, found = set(spans(right)), set(spans(read))
    return float(f1(np.array([len(correct & found), len(found), len(correct)])))


def by_file(tags: Mapping[str, Tagged], labels: Sequence[str]) -> dict[str, str]:
    """Read output k as the k-th label that the perturbed text has, in order of appearance."""
    seen = list(dict.fromkeys(tags["in-language"][0]))
    order = [*seen, *(label for label in labels if label not in seen)]
    return dict(zip(labels, order, strict=True))


def every_order(
    tags: Mapping[str, Tagged], labels: Sequence[str], *, keep_outside: bool
) -> dict[str, str]:
    """Read the outputs by every other order of the labels."""
    moved = [label for label in labels if not (keep_outside and label == BREAK)]
    orders = list(itertools.permutations(moved))[1:]
    shown = {}
    for name, pair in tags.items():
        values = [
            100 * score(pair, {BREAK: BREAK, **dict(zip(moved, order, strict=True))})
            for order in orders
        ]
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        small = sum(value <= 3 for value in values) / len(values)
        shown[name] = f"median {middle:.1f} (90 % in {low:.1f}–{high:.1f}); {100 * small:.0f} % ≤ 3"
    kept = ", O in its place" if keep_outside else ""
    return {"what": f"each of {len(orders):,} wrong orders of the labels{kept}", **shown}


def shifted(pair: Tagged) -> Tagged:
    right, given = pair
    return right, [BREAK, *given[:-1]]


# --- wrong weights ------------------------------------------------------------------------------


def with_new_head(source: Path, target: Path) -> Path:
    checkpoint = load_checkpoint(str(source))
    _draw(checkpoint.model.get_submodule("classifier"))
    save_checkpoint(checkpoint.model, checkpoint.tokenizer, target, source=source)
    return target


def with_new_encoder(source: Path, target: Path) -> Path:
    """Put the weights from before training under a head that was not trained either."""
    checkpoint = load_checkpoint(str(source))
    before = load_checkpoint(read_recipe(source.parent / "recipe.yaml").model).model
    encoder: PreTrainedModel = getattr(checkpoint.model, checkpoint.model.base_model_prefix)
    encoder.load_state_dict(before.state_dict(), strict=False)
    _draw(checkpoint.model.get_submodule("classifier"))
    save_checkpoint(checkpoint.model, checkpoint.tokenizer, target, source=source)
    return target


def _draw(head: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in head.named_parameters():
            value.normal_(0.0, 0.02, generator=generator) if "weight" in name else value.zero_()


if __name__ == "__main__":
    main()
