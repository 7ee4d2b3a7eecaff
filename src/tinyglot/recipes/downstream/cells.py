"""One stage fine-tuned on one task with one seed, and what it scores; done once, then kept."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tinyglot.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.evaluation.score import (
    Evaluated,
    evaluate_split,
    names_of,
    score_rows,
    write_rows,
)
from tinyglot.languages import LanguageTag
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.methods.registry import get_method
from tinyglot.recipes.run import Run, Tell
from tinyglot.recipes.runner import Made, seed_everything
from tinyglot.tasks import Task, get_task

ROWS = "rows.parquet"
COUNTS = "counts.parquet"
_LANGUAGE = "language"


@dataclass(frozen=True)
class Stage:
    """A checkpoint on the way, loaded when it is needed first.

    Attributes:
        name: As reports call it.
        directory: Of the checkpoint.
    """

    name: str
    directory: Path

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The model and its tokenizer."""
        return load_checkpoint(str(self.directory))


@dataclass(frozen=True)
class Cell:
    """A stage, a task and a seed.

    Attributes:
        run: The run; its section ``downstream`` says how.
        stage: What is fine-tuned.
        options: Of fine-tuning, the task and its languages among them.
        seed: Of the training.
    """

    run: Run
    stage: Stage
    options: FineTuningConfig
    seed: int

    @property
    def directory(self) -> Path:
        """Where its files are."""
        place = self.run.downstream / self.stage.name / str(self.options.task)
        return place / f"seed-{self.seed}"

    @property
    def is_finished(self) -> bool:
        """Whether its scores are there, of all languages that have data by now."""
        is_there = (self.directory / ROWS).exists()
        return is_there and set(self.counts()) == set(self.options.languages)

    @property
    def task(self) -> Task[object, object]:
        """The task, with its options."""
        return get_task(str(self.options.task), self.options.task_options)

    def rows(self) -> pl.DataFrame:
        """Read its scores.

        Returns:
            Long-form rows.
        """
        return pl.read_parquet(self.directory / ROWS)

    def counts(self) -> dict[LanguageTag, NDArray[np.float64]]:
        """Read what its scores are made of.

        Returns:
            By language, one row of counts an example.
        """
        table = pl.read_parquet(self.directory / COUNTS)
        parts = table.partition_by(_LANGUAGE, as_dict=True, include_key=False, maintain_order=True)
        return {str(tag): part.to_numpy() for (tag,), part in parts.items()}


def run_cell(cell: Cell, tell: Tell) -> None:
    """Fine-tune and score, unless that was done; a killed one goes on from its resume point.

    Args:
        cell: What is fine-tuned on what.
        tell: Takes lines for a person.

    Raises:
        TinyglotError: Whatever fine-tuning or evaluation refuses.
    """
    if cell.is_finished:
        return
    tell(f"downstream: {cell.stage.name}, {cell.options.task}, seed {cell.seed}")
    made, plan = _fine_tuned(cell)
    evaluated = _evaluated(cell, made, plan, tell)
    if cell.run.recipe.downstream is not None and cell.run.recipe.downstream.keep:
        source = cell.stage.checkpoint.source
        save_checkpoint(*made, cell.directory / "model", source=source)
    _write_counts(evaluated, cell.directory / COUNTS)
    names = {"model": cell.stage.name, **names_of(_data(cell), _split(cell))}
    write_rows(score_rows(evaluated, cell.task, names, cell.seed), cell.directory / ROWS)
    shutil.rmtree(cell.directory / "work", ignore_errors=True)


def _fine_tuned(cell: Cell) -> tuple[Made, Plan]:
    recipe, method = cell.run.recipe, get_method(cell.options.method)
    context = Context(
        seed=cell.seed,
        device=recipe.device,
        languages=cell.options.languages,
        directory=cell.directory / "work",
    )
    source = cell.stage.checkpoint
    seed_everything(cell.seed)
    plan = method.plan(source.model, source.tokenizer, cell.options, context)
    seed_everything(cell.seed)
    return method.apply(source.model, source.tokenizer, plan, context), plan


def _evaluated(cell: Cell, made: Made, plan: Plan, tell: Tell) -> dict[LanguageTag, Evaluated]:
    model, tokenizer = made
    return evaluate_split(
        torch_predictor(model, cell.run.recipe.device, cell.task.hidden_layer),
        tokenizer,
        getattr(plan, "labels", ()),
        cell.task,
        _data(cell),
        cell.options.languages,
        _split(cell),
        tell=tell,
    )


def _write_counts(evaluated: Mapping[LanguageTag, Evaluated], path: Path) -> None:
    tables = [
        pl.DataFrame(np.asarray(found.counts, dtype=np.float64)).select(
            pl.lit(tag).alias(_LANGUAGE), pl.all()
        )
        for tag, found in evaluated.items()
    ]
    write_rows(pl.concat(tables), path)


def _data(cell: Cell) -> str:
    return str(cell.options.data)


def _split(cell: Cell) -> str:
    return cell.run.recipe.downstream.split if cell.run.recipe.downstream else "test"
