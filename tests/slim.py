"""Tiny models whose layers differ, and a process that has never heard of tinyglot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from transformers import PreTrainedModel

from tests.tiny import Family, Head, Kind, tiny_pair
from tinyglot.checkpoints import save_checkpoint
from tinyglot.surgery import Structures, keep_structures

ALONE = """
import json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tinyglot", "skeletoken"):
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
import torch, transformers
torch.set_num_threads(1)
inputs = torch.load(sys.argv[1])
for auto_class, directory, target in json.loads(sys.argv[2]):
    loader = getattr(transformers, auto_class)
    model, info = loader.from_pretrained(
        directory, trust_remote_code=True, output_loading_info=True
    )
    # an encoder below a head has no pooler, and no use for the head
    lost = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    assert not lost and not info["mismatched_keys"], info
    with torch.no_grad():
        torch.save(model.eval()(**inputs)[0], target + ".pt")
        found = model(**inputs, output_hidden_states=True).hidden_states
    assert len(found) == model.config.num_hidden_layers + 1
    model.save_pretrained(target)
"""
AUTO_CLASSES: dict[Head, str] = {
    "encoder": "AutoModel",
    "masked_lm": "AutoModelForMaskedLM",
    "token_classification": "AutoModelForTokenClassification",
    "sequence_classification": "AutoModelForSequenceClassification",
    "question_answering": "AutoModelForQuestionAnswering",
}
INPUTS = {
    "input_ids": torch.arange(5, 45).reshape(4, 10),
    "attention_mask": (torch.arange(10) < torch.tensor([[10], [7], [4], [1]])).long(),
}


def outputs(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(**INPUTS)[0]


def uneven(model: PreTrainedModel) -> Structures:
    """Keep one head more, and three neurons fewer, with each layer."""
    all_ = Structures.of(model)
    heads = tuple(
        tuple(reversed(heads[: 1 + layer % len(heads)])) for layer, heads in enumerate(all_.heads)
    )
    neurons = tuple(each[3 * (layer + 1) :] for layer, each in enumerate(all_.neurons))
    return all_.keep(heads=heads, neurons=neurons)


def slim_checkpoint(
    directory: Path, family: Family = "bert", kind: Kind = "wordpiece", head: Head = "encoder"
) -> PreTrainedModel:
    """Save a model with uneven layers, and give what was saved."""
    model, tokenizer = tiny_pair(family, kind, head)
    cut = keep_structures(model, uneven(model))
    save_checkpoint(cut, tokenizer, directory)
    return cut


def load_alone(jobs: list[tuple[str, str, str]], inputs: Path) -> None:
    """Load each (Auto class, checkpoint) without tinyglot, run it, save it at the third place."""
    torch.save(INPUTS, inputs)
    command = [sys.executable, "-W", "ignore", "-c", ALONE, str(inputs), json.dumps(jobs)]
    environment = {**os.environ, "HF_MODULES_CACHE": str(inputs.with_suffix(".modules"))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
