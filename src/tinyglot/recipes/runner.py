"""Runs a recipe step by step; killed at any point, it goes on from the last finished step."""

import hashlib
import random
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import yaml

from tinyglot import __version__
from tinyglot.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from tinyglot.errors import MissingInputError, RunDirectoryError
from tinyglot.evaluation.score import SCHEMA
from tinyglot.files import read_json, replacing, write_json, write_text
from tinyglot.measure import size_of_checkpoint
from tinyglot.methods.contract import Context, Method, MethodConfig, Plan
from tinyglot.methods.registry import get_method
from tinyglot.recipes.inputs import locate_data, locate_text
from tinyglot.recipes.read import parse_recipe
from tinyglot.recipes.schema import Recipe
from tinyglot.recipes.show import recipe_yaml

Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Take a line and show it nowhere."""


@dataclass(frozen=True)
class Run:
    """A run directory and the recipe that made it.

    Attributes:
        directory: Holds ``recipe.yaml``, ``steps/``, ``final/`` and the results.
        recipe: As resolved.
    """

    directory: Path
    recipe: Recipe

    @property
    def final(self) -> Path:
        """The checkpoint that the recipe was run for."""
        return self.directory / "final"

    def step_directory(self, position: int) -> Path:
        """Name the directory of a step.

        Args:
            position: From 0.

        Returns:
            Such as ``steps/01-vocabulary_trimming``.
        """
        return self.directory / "steps" / f"{position + 1:02d}-{self.recipe.steps[position].method}"

    def stages(self) -> dict[str, Path]:
        """List the checkpoints of the finished steps.

        Returns:
            Directory by step name, in order.
        """
        found = (self.step_directory(position) for position in range(len(self.recipe.steps)))
        return {path.name: path / "checkpoint" for path in found if (path / "record.json").exists()}

    def records(self) -> list[dict[str, Any]]:
        """Read what each finished step recorded.

        Returns:
            One mapping a step, in order.
        """
        return [read_json(path.parent / "record.json") for path in self.stages().values()]

    def rows(self) -> pl.DataFrame:
        """Read the scores.

        Returns:
            Long-form rows; none if the recipe evaluates nothing.
        """
        path = self.directory / "results.parquet"
        return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=SCHEMA)


def run_steps(recipe: Recipe, directory: Path, tell: Tell = silent) -> Run:
    """Do the steps that are not finished yet, then write ``final/``.

    Args:
        recipe: A checked recipe.
        directory: The run directory, held by the caller; gone on with if the same recipe began it.
        tell: Takes lines for a person.

    Returns:
        The run.

    Raises:
        RunDirectoryError: If another recipe began the directory.
        MissingInputError: If a step needs text, data or languages that the recipe does not give.
        TinyglotError: Whatever a step refuses.
    """
    run = Run(directory, recipe)
    check_inputs(recipe)
    _claim(run)
    parent = recipe.model
    for position in range(len(recipe.steps)):
        parent = str(_advance(run, position, parent, tell))
    _write_final(run, parent)
    return run


def check_inputs(recipe: Recipe) -> None:
    """Refuse a recipe whose steps need what it does not give, before anything is loaded.

    Args:
        recipe: A checked recipe.

    Raises:
        MissingInputError: Names every step and what it lacks.
    """
    lacking = []
    for position, step in enumerate(recipe.steps):
        for need in get_method(step.method).needs:
            if not getattr(recipe, need) and not getattr(step, need, None):
                lacking.append(f"steps.{position}.{step.method} needs {need}")
    if lacking:
        raise MissingInputError(
            f"Could not start: {len(lacking)} input(s) are missing.",
            got="\n".join(lacking),
            expected="every input that a step needs",
            fix="add the keys to the recipe, or give the options (--text, --data, --language)",
        )


def _claim(run: Run) -> None:
    path = run.directory / "recipe.yaml"
    resolved = recipe_yaml(run.recipe)
    if not path.exists():
        _refuse_foreign(run.directory)
        write_text(path, resolved)
    elif parse_recipe(yaml.safe_load(path.read_text(encoding="utf-8"))) != run.recipe:
        raise RunDirectoryError(
            "Could not use the output directory: it belongs to another recipe.",
            got=path,
            expected="a new directory, or one begun with the same recipe",
            fix="give another --out, or remove the directory",
        )


def _refuse_foreign(directory: Path) -> None:
    foreign = sorted(path.name for path in directory.iterdir() if path.name != ".lock")
    if foreign:
        raise RunDirectoryError(
            "Could not use the output directory: it holds other files.",
            got=f"{directory} with {', '.join(foreign[:4])}",
            expected="a new or empty directory, or one that tinyglot began",
            fix="give another --out",
        )


def _advance(run: Run, position: int, parent: str, tell: Tell) -> Path:
    directory = run.step_directory(position)
    work = directory / "work"
    if not (directory / "record.json").exists():
        started = time.perf_counter()
        tell(f"{directory.name}: start")
        _finish_step(run, position, parent, tell)
        _write_timing(directory, time.perf_counter() - started)
        _write_record(run, position, parent)
    if work.exists():
        shutil.rmtree(work)
    return directory / "checkpoint"


def _finish_step(run: Run, position: int, parent: str, tell: Tell) -> None:
    step = run.recipe.steps[position]
    method = get_method(step.method)
    directory = run.step_directory(position)
    checkpoint = load_checkpoint(parent, revision=run.recipe.revision if position == 0 else None)
    for note in checkpoint.notes:
        tell(f"  {note}")
    context = _context(run.recipe, step, directory)
    plan = _planned(method, checkpoint, step, context)
    for line in plan.summary():
        tell(f"  {line}")
    seed_everything(run.recipe.seed)
    model, tokenizer = method.apply(checkpoint.model, checkpoint.tokenizer, plan, context)
    save_checkpoint(model, tokenizer, directory / "checkpoint", source=checkpoint.source)


def _context(recipe: Recipe, step: MethodConfig, directory: Path) -> Context:
    return Context(
        seed=recipe.seed,
        device=recipe.device,
        languages=getattr(step, "languages", None) or recipe.languages,
        text={
            tag: tuple(locate_text(path, tag) for path in paths)
            for tag, paths in recipe.text.items()
        },
        data=locate_data(recipe.data) if recipe.data else None,
        task=recipe.task,
        directory=directory / "work",
    )


def _planned(method: Method, checkpoint: Checkpoint, step: MethodConfig, context: Context) -> Plan:
    assert context.directory is not None  # noqa: S101  (set above; for the type checker)
    path = context.directory.parent / "plan.json"
    if not path.exists():
        seed_everything(context.seed)
        plan = method.plan(checkpoint.model, checkpoint.tokenizer, step, context)
        write_json(path, plan.model_dump(mode="json"))
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


def _write_record(run: Run, position: int, parent: str) -> None:
    directory = run.step_directory(position)
    method = get_method(run.recipe.steps[position].method)
    before = directory.parent / Path(parent).parent.name / "record.json" if position else None
    facts = directory / "work" / "facts.json"
    record: dict[str, Any] = {
        "method": method.name,
        "version": method.version,
        "tinyglot": __version__,
        "config": run.recipe.steps[position].model_dump(mode="json"),
        "plan_sha256": sha256_of(directory / "plan.json"),
        "weights_sha256": weights_sha256(directory / "checkpoint"),
        "tokenizer_sha256": sha256_of(directory / "checkpoint" / "tokenizer.json"),
        "source_weights_sha256": read_json(before)["weights_sha256"] if before else None,
        "size": size_of_checkpoint(directory / "checkpoint").as_dict(),
        "facts": read_json(facts) if facts.exists() else {},
    }
    write_json(directory / "record.json", record)


def weights_sha256(checkpoint: Path) -> str:
    """Hash all weight files of a checkpoint, in the order of their names.

    Args:
        checkpoint: A directory with ``*.safetensors``.

    Returns:
        64 hex digits.
    """
    parts = [sha256_of(path) for path in sorted(checkpoint.glob("*.safetensors"))]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Hash one file.

    Args:
        path: Any file.

    Returns:
        64 hex digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_final(run: Run, parent: str) -> None:
    if run.final.exists():
        return
    if not run.recipe.steps:
        checkpoint = load_checkpoint(parent, revision=run.recipe.revision)
        save_checkpoint(
            checkpoint.model, checkpoint.tokenizer, run.final, source=checkpoint.source
        )
        return
    with replacing(run.final) as temporary:
        shutil.copytree(parent, temporary)
