"""Every stage of a run fine-tuned and scored alike."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tinyglot.checkpoints.locate import locate_checkpoint
from tinyglot.files import write_json
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.recipes.downstream.cells import Cell, Stage, run_cell
from tinyglot.recipes.downstream.checks import SOURCE, chosen_stages, languages_with_data
from tinyglot.recipes.downstream.perplexity import stage_perplexity
from tinyglot.recipes.downstream.summary import summarise
from tinyglot.recipes.run import Run, Tell
from tinyglot.training import num_processes


def score_downstream(run: Run, tell: Tell) -> None:
    """Fine-tune every chosen stage on every task with every seed, and sum up.

    What is finished is kept, so a killed run goes on. Writes ``downstream.json`` and, below
    ``downstream/``, the scores of every cell.

    Args:
        run: Its steps are finished.
        tell: Takes lines for a person.

    Raises:
        TinyglotError: Whatever fine-tuning or evaluation refuses.
    """
    if run.recipe.downstream is None:
        return
    if num_processes() > 1:
        tell("downstream: left out under a launcher; the same command without one does it")
        return
    tasks, left_out = _tasks(run)
    for line in left_out:
        tell(f"downstream: left out: {line}")
    for cell in _cells(run, tasks):
        run_cell(cell, tell)
    for stage in _stages(run):
        stage_perplexity(run, stage.name, stage.directory, tell)
    write_json(run.downstream_summary, summarise(run, _cells(run, tasks), left_out))


def downstream_rows(run: Run) -> list[pl.DataFrame]:
    """Read the scores of every stage.

    Args:
        run: Its tasks are scored, if the recipe asks for any.

    Returns:
        Long-form rows, one table a cell; stage by stage.
    """
    if not run.downstream_summary.exists():
        return []
    parts = [cell.rows() for cell in _cells(run, _tasks(run)[0])]
    texts = (run.downstream / stage.name / "perplexity.parquet" for stage in _stages(run))
    return [*parts, *(pl.read_parquet(path) for path in texts if path.exists())]


def _tasks(run: Run) -> tuple[dict[str, FineTuningConfig], tuple[str, ...]]:
    """Give the options of each task that has data, and what is left out."""
    section = run.recipe.downstream
    found: dict[str, FineTuningConfig] = {}
    left_out: list[str] = []
    for task, options in section.tasks.items() if section else ():
        tags, missing = languages_with_data(task, options, run.recipe)
        left_out += missing
        if tags:
            found[task] = options.model_copy(update={"languages": tags})
    return found, tuple(left_out)


def _stages(run: Run) -> Iterator[Stage]:
    """Make one after the other, so that the model of the last one is let go before the next."""
    source = locate_checkpoint(run.recipe.model, run.recipe.revision)
    places: dict[str, Path] = {SOURCE: source, **run.stages()}
    for name in chosen_stages(run.recipe):
        yield Stage(name, places[name])


def _cells(run: Run, tasks: dict[str, FineTuningConfig]) -> Iterator[Cell]:
    section = run.recipe.downstream
    for stage in _stages(run):
        for options in tasks.values():
            for seed in section.seeds if section else ():
                yield Cell(run, stage, options, seed)
