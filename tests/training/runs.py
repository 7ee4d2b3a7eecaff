"""One small training run, the same in every process; run as a module it kills itself."""

import os
import signal
import sys
from pathlib import Path

import torch
from transformers import TrainerCallback, TrainerState

from tests.tiny import tiny_model
from tests.training.sentences import sentences
from tinyglot.training import TrainingConfig, TrainingResult, train

NUM_STEPS = 15  # 40 sentences in batches of 8 are 5 steps an epoch
SAVE_STEPS = 4


def run(directory: Path, callbacks=(), trunk=None, **options) -> TrainingResult:
    options = {"num_epochs": 3, "batch_size": 8, "learning_rate": 1e-2, **options}
    model = tiny_model("xlm_roberta", "token_classification")
    config = TrainingConfig(**{"save_steps": SAVE_STEPS, "seed": 1, **options})
    return train(model, sentences(40), config, directory, callbacks=callbacks, trunk=trunk)


class AtStep(TrainerCallback):
    """Call something after the gradients of a step are there, before they are used."""

    def __init__(self, step: int, action) -> None:
        self.step, self.action = step, action

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        if state.global_step + 1 == self.step:
            self.action()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_while_saving(step: int) -> None:
    """Write half of the last file of a resume point, then die."""
    save = TrainerState.save_to_json

    def save_half(self: TrainerState, json_path: str) -> None:
        save(self, json_path)
        if self.global_step == step:
            os.truncate(json_path, Path(json_path).stat().st_size // 2)
            die()

    TrainerState.save_to_json = save_half


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    target, when, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if when == "saving":
        die_while_saving(number)
        run(target)
    run(target, [AtStep(number, die)])
