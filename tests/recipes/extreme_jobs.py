"""A tiny model of twelve heads, text and labelled data, for the recipes of issue 6."""

from pathlib import Path

from tests.methods.labelled import write_split
from tests.tiny import tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot.recipes.read import builtin_recipes
from tinyglot.recipes.yaml_file import read_yaml

LAYERS, HEADS, HIDDEN, VOCABULARY = 4, 12, 48, 200
QUICK = {
    "num_layers": LAYERS // 2,
    "max_vocabulary_size": VOCABULARY,
    "batch_tokens": 512,
    "batch_size": 8,
    "calibration_sentences": 20,
    "num_lines": 20,
}
TUNING = {"max_steps": 2, "num_epochs": 1, "batch_size": 8}


def write_inputs(directory: Path) -> Path:
    """Write ``model/`` with an LM head, ``sw.txt``, ``topic/`` and ``ner/``."""
    model, tokenizer = tiny_pair("xlm_roberta", "unigram", "masked_lm")
    sizes = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "hidden_size": HIDDEN}
    config = type(model.config).from_dict({**model.config.to_dict(), **sizes})
    type(model)(config).save_pretrained(directory / "model")
    tokenizer.save_pretrained(directory / "model")
    lines = [f"{line} {number}" for number in range(40) for line in TINY_TEXT[:5]]
    (directory / "sw.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [f"{'health' if n % 2 else 'sport'}\t{TINY_TEXT[n % 8]}" for n in range(48)]
    for split in ("train", "test"):
        path = directory / "topic" / "swh-Latn" / f"{split}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["category\ttext", *rows]) + "\n", encoding="utf-8")
    for split, count in (("train", 24), ("dev", 4), ("test", 24)):
        write_split(directory / "ner" / "swh-Latn" / f"{split}.conll", "swh-Latn", count)
    return directory


def shortened(name: str) -> dict:
    """What a tiny model and haste ask for: its depth, vocabulary, batches, downstream training."""
    content = read_yaml(builtin_recipes()[name])
    for step in content["steps"]:
        step |= {option: value for option, value in QUICK.items() if option in step}
    section = content["downstream"]
    section["fine_tuning"] |= TUNING
    for options in section["tasks"].values():
        for option in set(TUNING) & set(options):
            del options[option]
    perplexity = {"max_lines": 4, "mask_every": 4}
    short = {"seeds": [1], "stages": ["original", "final"], "perplexity": perplexity}
    return {**content, "downstream": {**section, **short}}
