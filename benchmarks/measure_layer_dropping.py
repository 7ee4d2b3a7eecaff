"""What each strategy of layer dropping does to the bundled encoder before any training.

Retrieval of the English translation (Tatoeba, first 300 pairs a language) by the nearest mean-
pooled sentence vector, for every strategy and three depths; block influence on 200 lines a
language. Writes results/layer-dropping-e5-small.json. About 15 minutes on one core.

python -m benchmarks.measure_layer_dropping
"""

import json
import sys

import torch
from transformers import AutoModel, AutoTokenizer

from benchmarks.places import data_directory
from benchmarks.provenance import Provenance
from benchmarks.schema import LayerDropping, write_result
from tinyglot import bundled_path
from tinyglot.methods.contract import Context
from tinyglot.methods.layer_dropping import METHOD, LayerDroppingConfig

# tag -> (folder of text, folder of tatoeba)
LANGUAGES = {
    "swh-Latn": ("sw", "swh"),
    "amh-Ethi": ("am", "amh"),
    "tam-Taml": ("ta", "tam"),
    "kat-Geor": ("ka", "kat"),
    "slk-Latn": ("sk", "slk"),
}
STRATEGIES = ("first", "last", "stride", "first_last", "block_influence")
NUM_PAIRS = 300


def main() -> None:
    torch.set_num_threads(1)
    provenance = Provenance.now()
    directory = bundled_path("multilingual-e5-small")
    model = AutoModel.from_pretrained(directory).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    text = {tag: (data_directory() / "text" / folder,) for tag, (folder, _) in LANGUAGES.items()}
    context = Context(languages=tuple(LANGUAGES), text=text)
    rows = [row("none", 12, accuracies(model, tokenizer))]
    influence = {}
    for num_layers in (10, 8, 6):
        for strategy in STRATEGIES:
            config = LayerDroppingConfig(strategy=strategy, num_layers=num_layers)
            plan = METHOD.plan(model, tokenizer, config, context)
            influence = plan.influence or influence
            smaller, _ = METHOD.apply(model, tokenizer, plan, context)
            rows.append(row(strategy, num_layers, accuracies(smaller, tokenizer), plan.kept_layers))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    result = LayerDropping(influence=influence, rows=tuple(rows))
    write_result("layer-dropping-e5-small", provenance, result)


def row(strategy: str, num_layers: int, per_language: dict, kept: tuple[int, ...] = ()) -> dict:
    scores = {tag: score for tag, (score, _) in per_language.items()}
    return {
        "strategy": strategy,
        "num_layers": num_layers,
        "kept_layers": list(kept),
        "accuracy": {tag: round(score, 4) for tag, score in scores.items()},
        "n": {tag: n for tag, (_, n) in per_language.items()},
        "macro_average": round(sum(scores.values()) / len(scores), 4),
        "worst_language": min(scores, key=scores.get),
    }


def accuracies(model, tokenizer) -> dict[str, tuple[float, int]]:
    result = {}
    for tag, (_, folder) in LANGUAGES.items():
        lines = [_lines(folder, name) for name in (folder, "eng")]
        here, english = (embed(model, tokenizer, side) for side in lines)
        hits = (here @ english.T).argmax(dim=1) == torch.arange(len(here))
        result[tag] = (float(hits.float().mean()), len(here))
    return result


def _lines(folder: str, name: str) -> list[str]:
    path = data_directory() / "retrieval" / "tatoeba" / folder / f"{name}.txt"
    return path.read_text(encoding="utf-8").splitlines()[:NUM_PAIRS]


@torch.no_grad()
def embed(model, tokenizer, lines: list[str]) -> torch.Tensor:
    vectors = torch.empty(len(lines), model.config.hidden_size)
    order = sorted(range(len(lines)), key=lambda i: len(lines[i]))
    for start in range(0, len(order), 50):
        chosen = order[start : start + 50]
        batch = tokenizer(
            ["query: " + lines[i] for i in chosen],
            padding=True,
            truncation=True,
            max_length=128,
            return_tensors="pt",
        )
        mask = batch["attention_mask"]
        states = model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors[chosen] = torch.nn.functional.normalize(pooled, dim=-1)
    return vectors


if __name__ == "__main__":
    main()
