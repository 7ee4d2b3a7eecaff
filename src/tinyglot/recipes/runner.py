"""Runs the steps of a recipe; killed at any point, it goes on from the last finished step."""

import random
import shutil
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from tinyglot.data.synthetic import locate_text
from tinyglot.files import link_tree, replacing, write_json, written_once
from tinyglot.methods.contract import CHECKPOINT_FILES, Context, Method, MethodConfig, Plan
from tinyglot.methods.registry import get_method
from tinyglot.recipes.directory import claim, is_claimed
from tinyglot.recipes.inputs import check_inputs
from tinyglot.recipes.record import write_record
from tinyglot.recipes.run import Run, Tell, silent
from tinyglot.recipes.teachers import teacher_of

Made = tuple[PreTrainedModel, PreTrainedTokenizerFast]
_SECONDS_BETWEEN_LOOKS = 0.2


def run_steps(run: Run, tell: Tell = silent) -> None:
    """Do the steps that are not finished yet.

    Args:
        run: A checked recipe and its directory, held by the caller; gone on with if the same
            recipe began it.
        tell: Takes lines for a person.

    Raises:
        RunDirectoryError: If another recipe did work in the directory.
        MissingInputError: If a step needs text, data or languages that the recipe does not give.
        TinyglotError: Whatever a step refuses.
    """
    check_inputs(run.recipe)
    claim(run)
    for position in range(len(run.recipe.steps)):
        if not run.is_finished(position):
            _take_over(run, position)
        if not run.is_finished(position):
            _do_step(run, position, tell)
            _hand_over(run, position)
        shutil.rmtree(run.step_directory(position) / "work", ignore_errors=True)


def follow_steps(run: Run) -> None:
    """Take part in the training of a run until the main process has written everything.

    Args:
        run: A checked recipe and its directory, held by the main process.

    Raises:
        TinyglotError: Whatever a step refuses.
    """
    check_inputs(run.recipe)
    _wait_until(lambda: is_claimed(run))
    for position, step in enumerate(run.recipe.steps):
        method = get_method(step.method)
        if method.trains and not run.is_finished(position):
            path = run.step_directory(position) / "plan.json"
            _wait_until(path.exists)
            if _read_plan(method, path).trains:
                _apply(run, position, _load_source(run, position, silent), silent)
        _wait_until(partial(run.is_finished, position))
    _wait_until((run.final / "README.md").exists)


def _wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again; the launcher ends this process if the main one fails."""
    while not condition():
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _take_over(run: Run, position: int) -> None:
    """Begin with a step that another run has finished, if it shares it and has come so far."""
    shared = run.prefixes.get(position)
    if shared is not None and shared.exists():
        with replacing(run.step_directory(position)) as temporary:
            link_tree(shared, temporary)


def _hand_over(run: Run, position: int) -> None:
    """Leave a finished step to the runs that share it, unless another was first."""
    shared = run.prefixes.get(position)
    if shared is not None:
        shutil.rmtree(run.step_directory(position) / "work", ignore_errors=True)
        with written_once(shared) as temporary:
            link_tree(run.step_directory(position), temporary)


def _do_step(run: Run, position: int, tell: Tell) -> None:
    directory = run.step_directory(position)
    tell(f"{directory.name}: start")
    started = time.perf_counter()
    source = _write_checkpoint(run, position, tell)
    _write_timing(directory, time.perf_counter() - started)
    write_record(run, position, source)


def _write_checkpoint(run: Run, position: int, tell: Tell) -> Path:
    """Do the step and save what it made; give the directory that it began with."""
    (model, tokenizer), source = _made(run, position, tell)
    directory = run.step_directory(position)
    save_checkpoint(
        model,
        tokenizer,
        directory / "checkpoint",
        source=source,
        beside=directory / "work" / CHECKPOINT_FILES,
    )
    return source


def _made(run: Run, position: int, tell: Tell) -> tuple[Made, Path]:
    """Apply the step's method; the model that it began with is let go before anything is saved."""
    source = _load_source(run, position, tell)
    return _apply(run, position, source, tell), source.source


def _load_source(run: Run, position: int, tell: Tell) -> Checkpoint:
    if position == 0:
        source = load_checkpoint(run.recipe.model, revision=run.recipe.revision)
    else:
        source = load_checkpoint(str(run.step_directory(position - 1) / "checkpoint"))
    for note in source.notes:
        tell(f"  {note}")
    return source


def _apply(run: Run, position: int, source: Checkpoint, tell: Tell) -> Made:
    step = run.recipe.steps[position]
    method = get_method(step.method)
    directory = run.step_directory(position)
    context = _context(run, position, directory)
    plan = _planned(method, source, step, context, directory / "plan.json")
    for line in plan.summary():
        tell(f"  {line}")
    seed_everything(run.recipe.seed)
    return method.apply(source.model, source.tokenizer, plan, context)


def _context(run: Run, position: int, directory: Path) -> Context:
    recipe = run.recipe
    return Context(
        seed=recipe.seed,
        device=recipe.device,
        languages=getattr(recipe.steps[position], "languages", None) or recipe.languages,
        text={
            tag: tuple(locate_text(path, tag) for path in paths)
            for tag, paths in recipe.text.items()
        },
        data=recipe.data,
        task=recipe.task,
        task_options=recipe.task_options,
        directory=directory / "work",
        teacher=teacher_of(run, position),
        trunk=run.trunks.get(position),
    )


def _planned(
    method: Method, source: Checkpoint, step: MethodConfig, context: Context, path: Path
) -> Plan:
    """Plan if that was not done yet; read the plan from its file in any case."""
    if not path.exists():
        seed_everything(context.seed)
        plan = method.plan(source.model, source.tokenizer, step, context)
        write_json(path, plan.model_dump(mode="json"))
    return _read_plan(method, path)


def _read_plan(method: Method, path: Path) -> Plan:
    return method.plan_class.model_validate_json(path.read_text(encoding="utf-8"))


def seed_everything(seed: int) -> None:
    """Set the generators of Python, numpy and torch.

    Args:
        seed: At least 0.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (libraries underneath use the global one)
    torch.manual_seed(seed)


def _write_timing(directory: Path, seconds: float) -> None:
    facts = {"seconds": round(seconds, 3), "host": socket.gethostname()}
    write_json(directory / "timing.json", facts)


def write_final(run: Run, tell: Tell) -> None:
    """Copy the last step's checkpoint to ``final/``; without steps, save the model itself.

    Args:
        run: Its steps are finished.
        tell: Takes lines for a person.

    Raises:
        DiskFullError: If the disk is full.
    """
    if run.final.exists():
        return
    position = len(run.recipe.steps)
    if position:
        with replacing(run.final) as temporary:
            shutil.copytree(run.step_directory(position - 1) / "checkpoint", temporary)
    else:
        source = _load_source(run, 0, tell)
        save_checkpoint(source.model, source.tokenizer, run.final, source=source.source)
