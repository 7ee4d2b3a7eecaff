"""What each process of ``accelerate launch`` runs in the test of distillation."""

import json
import os
import sys
from pathlib import Path

import torch

from tinyglot.checkpoints import load_checkpoint
from tinyglot.methods.contract import Context
from tinyglot.methods.distillation import METHOD, DistillationConfig
from tinyglot.training.resume import weights_digest

PARTS = [{"objective": "relations"}, {"objective": "embeddings", "projection": True}]


def distil(place: Path, directory: Path | None = None):
    """Train the encoder in ``place`` towards the teacher beside it; some weights are left out."""
    text = {"swh-Latn": (place / "text" / "swh-Latn",)}
    context = Context(
        languages=tuple(text), text=text, directory=directory, teacher=str(place / "teacher")
    )
    config = DistillationConfig(
        objectives=PARTS,
        max_steps=3,
        batch_size=4,
        max_length=32,
        learning_rate=1e-2,
        precision="fp32",
        save_steps=2,
        evaluate_steps=None,
    )
    found = load_checkpoint(str(place / "model"))
    plan = METHOD.plan(found.model, found.tokenizer, config, context)
    model, _ = METHOD.apply(found.model, found.tokenizer, plan, context)
    return model


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    trained = distil(target, target / "work")
    frozen = [name for name, each in trained.named_parameters() if not each.requires_grad]
    rank = os.environ["RANK"]
    said = {"rank": rank, "weights": weights_digest(trained), "frozen": frozen}
    (target / f"said-{rank}.json").write_text(json.dumps(said))
