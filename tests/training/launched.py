"""What each process of ``accelerate launch`` runs in the tests: train, and say what came out."""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from tests.tiny import tiny_model
from tests.training.runs import AtStep
from tests.training.sentences import sentences
from tinyglot.training import TrainingConfig, is_main_process, train
from tinyglot.training.resume import weights_digest

NUM_SENTENCES = 37


def model_without_dropout():
    """So that the weights do not depend on which process draws which random number."""
    model = tiny_model("bert", "token_classification")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def run(directory: Path, per_process: int, callbacks=()):
    config = TrainingConfig(
        num_epochs=2, batch_size=per_process, learning_rate=1e-2, precision="fp32", save_steps=4
    )
    examples = sentences(NUM_SENTENCES)
    return train(model_without_dropout(), examples, config, directory, callbacks=callbacks)


if __name__ == "__main__":
    torch.set_num_threads(1)
    target, step_to_die = Path(sys.argv[1]), int(sys.argv[2])
    die = AtStep(step_to_die, lambda: os.kill(os.getpid(), signal.SIGKILL))
    result = run(target, 4, [die] if step_to_die else ())
    said = {
        "rank": os.environ["RANK"],
        "weights": weights_digest(result.model),
        "first_epoch_loss": result.record.first_epoch_loss,
        "num_steps": result.record.num_steps,
        "num_tokens": result.record.num_tokens,
    }
    (target / f"said-{said['rank']}.json").write_text(json.dumps(said))
    if is_main_process():
        result.model.save_pretrained(target / "final")
