"""Running a recipe in a process that kills itself at a stated point, as ``kill -9`` would."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import torch

from tinyglot import files
from tinyglot.checkpoints import save
from tinyglot.methods.registry import methods
from tinyglot.recipes import parse_recipe, run_recipe
from tinyglot.training import TokenBatchTrainer

KILLED = -signal.SIGKILL
PATIENCE_S = 900
methods()  # imported once, in the process from which the others are forked


def run_until(recipe: dict, directory: Path, point: tuple[str, str | int] | None = None) -> int:
    """Run a recipe in a new process; give its exit code.

    ``point`` says where it dies: ``("written", "steps/01-x/plan.json")`` right after that file or
    directory has got its name, ``("saving", 1)`` when the first checkpoint is written but
    has no name yet, ``("training", 3)`` in the third training step of that process.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.recipes.killed"])
    process = context.Process(target=_work, args=(recipe, directory, point))
    process.start()
    process.join(timeout=PATIENCE_S)
    assert process.exitcode is not None, f"still running after {PATIENCE_S} s, to die at {point}"
    return process.exitcode


def _work(recipe: dict, directory: Path, point: tuple[str, str | int] | None) -> None:
    torch.set_num_threads(1)
    if point is not None:
        kind, which = point
        {"written": _die_after_writing, "saving": _die_saving, "training": _die_training}[kind](
            directory, which
        )
    run_recipe(parse_recipe(recipe), directory)


def _die_after_writing(directory: Path, name: str) -> None:
    move = files._move_into_place

    def move_and_die(temporary: Path, path: Path) -> None:
        move(temporary, path)
        if path == directory / name:
            _die()

    files._move_into_place = move_and_die


def _die_saving(_: Path, number: int) -> None:
    save.verify_checkpoint = _dying_at(number, save.verify_checkpoint)


def _die_training(_: Path, number: int) -> None:
    TokenBatchTrainer.training_step = _dying_at(number, TokenBatchTrainer.training_step)


def _dying_at(number: int, function: Callable) -> Callable:
    calls = iter(range(1, number + 1))

    def counted(*args, **kwargs):
        if next(calls) == number:
            _die()
        return function(*args, **kwargs)

    return counted


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
