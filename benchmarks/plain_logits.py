"""Logits of token classifiers on sentences, by transformers alone.

PYTHON benchmarks/plain_logits.py SENTENCES.json OUT.pt CHECKPOINT...

PYTHON is the interpreter of an environment that has no tinyglot; with one the program ends. The
file has lists of words; OUT.pt gets the logits of every checkpoint, in order. Prints the versions
of the environment.
"""

import importlib.util
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForTokenClassification, AutoTokenizer

BATCH_SIZE, MAX_LENGTH = 16, 128


@torch.no_grad()
def logits(model: Any, tokenizer: Any, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
    """Give the logits of every batch, padding included."""
    found = []
    for start in range(0, len(sentences), BATCH_SIZE):
        batch = [list(words) for words in sentences[start : start + BATCH_SIZE]]
        inputs = tokenizer(
            batch,
            is_split_into_words=True,
            truncation=True,
            max_length=MAX_LENGTH,
            padding=True,
            return_tensors="pt",
        )
        found.append(model(**inputs).logits)
    return found


def main() -> None:
    if importlib.util.find_spec("tinyglot") is not None:
        raise SystemExit("this environment has tinyglot: what it loads says nothing")
    sentences, out, *checkpoints = sys.argv[1:]
    words = json.loads(Path(sentences).read_text(encoding="utf-8"))
    torch.save([_logits_of(checkpoint, words) for checkpoint in checkpoints], out)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    sys.stdout.write(json.dumps({"python": platform.python_version(), **versions}))


def _logits_of(checkpoint: str, sentences: Sequence[Sequence[str]]) -> list[Tensor]:
    model = AutoModelForTokenClassification.from_pretrained(checkpoint).eval()
    return logits(model, AutoTokenizer.from_pretrained(checkpoint), sentences)


if __name__ == "__main__":
    main()
