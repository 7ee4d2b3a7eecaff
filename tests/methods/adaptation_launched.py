"""What each process of ``accelerate launch`` runs in the test of adaptation."""

import json
import os
import sys
from pathlib import Path

import torch

from tests.tiny import tiny_pair
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.methods.adaptation import METHOD, AdaptationConfig
from tinyglot.methods.contract import Context
from tinyglot.training.resume import weights_digest


def save_pair(directory: Path) -> None:
    """Save a model without dropout, so that no weight depends on which process draws what."""
    model, tokenizer = tiny_pair("bert", "wordpiece")
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    save_checkpoint(model, tokenizer, directory)


def adapt(place: Path, directory: Path, per_process: int):
    """Train the model in ``place`` on the text beside it."""
    text = {"swh-Latn": (place / "text" / "swh-Latn",)}
    context = Context(languages=tuple(text), text=text, directory=directory)
    config = AdaptationConfig(
        max_steps=4,
        batch_size=per_process,
        max_length=32,
        head_steps=2,
        learning_rate=1e-2,
        precision="fp32",
        save_steps=3,
        evaluate_steps=2,
    )
    found = load_checkpoint(str(place / "model"))
    plan = METHOD.plan(found.model, found.tokenizer, config, context)
    model, _ = METHOD.apply(found.model, found.tokenizer, plan, context)
    return model


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    trained = adapt(target, target / "work", 4)
    said = {"rank": os.environ["RANK"], "weights": weights_digest(trained)}
    (target / f"said-{said['rank']}.json").write_text(json.dumps(said))
    if said["rank"] == "0":
        trained.save_pretrained(target / "final")
