"""What follows the steps: export, scores of every stage, latency, report and model card."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from tinyglot.errors import MissingInputError
from tinyglot.evaluation.score import write_rows
from tinyglot.export import export_checkpoint, measure_models, record_scores, score_changes
from tinyglot.files import locked, write_json, write_text
from tinyglot.recipes.directory import refuse_foreign
from tinyglot.recipes.downstream.stages import downstream_rows, score_downstream
from tinyglot.recipes.facts import all_stages, report_facts, stage_facts
from tinyglot.recipes.heads import has_head
from tinyglot.recipes.inputs import task_of
from tinyglot.recipes.run import Run, Shared, Tell, silent
from tinyglot.recipes.runner import follow_steps, run_steps, write_final
from tinyglot.recipes.schema import Recipe
from tinyglot.recipes.scoring import stage_scores
from tinyglot.reports import render_model_card, render_report
from tinyglot.training import Trunk, is_main_process


def run_recipe(
    recipe: Recipe,
    directory: Path,
    tell: Tell = silent,
    trunks: Mapping[int, Trunk] | None = None,
    shared: Shared | None = None,
    *,
    scores_only: bool = False,
) -> Run:
    """Do everything a recipe says: steps, export, scores, latency, report, model card.

    Started by ``accelerate launch`` or torchrun, all processes train together and the main one
    does the rest.

    Args:
        recipe: A checked recipe.
        directory: The run directory; made, or gone on with if the same recipe began it.
        tell: Takes lines for a person.
        trunks: First training steps that are shared with other runs, by the step's position.
        shared: Directories in which other runs, which may run at the same time, leave finished
            steps and perturbed data, and find them; the run directory has its own if ``None``.
        scores_only: Leave out what is for people: ``final/``, report and model card. The last
            step's checkpoint is there.

    Returns:
        The finished run.

    Raises:
        RunDirectoryError: If another process holds the directory, another recipe did work in it,
            or it holds other files.
        MissingInputError: If a step needs text, data or languages that the recipe does not give.
        TinyglotError: Whatever a step refuses.
    """
    kept = shared or Shared()
    run = Run(directory, recipe, trunks or {}, kept.perturbed, kept.prefixes)
    if not is_main_process():
        follow_steps(run)
        return run
    refuse_foreign(directory)
    with locked(directory):
        run_steps(run, tell)
        if recipe.export is not None or not scores_only:
            write_final(run, tell)
        _export(run, tell)
        _evaluate_stages(run, tell)
        score_downstream(run, tell)
        _write_results(run)
        _measure_stages(run, tell)
        if not scores_only:
            _write_reports(run)
    return run


def _export(run: Run, tell: Tell) -> None:
    settings = run.recipe.export
    if settings is not None and not (run.export / "export.json").exists():
        tell(f"export: {settings.format}{', int8' if settings.int8 else ''}")
        export_checkpoint(run.final, run.export, format=settings.format, int8=settings.int8)


def _evaluate_stages(run: Run, tell: Tell) -> None:
    if run.recipe.evaluate is None:
        return
    stages = _stages_with_head(run)
    for name, directory in stages.items():
        path = _scores_file(run, name)
        if not path.exists():
            tell(f"evaluate: {name}")
            write_rows(stage_scores(run, name, directory, tell), path)
    parts = [pl.read_parquet(_scores_file(run, name)) for name in stages]
    if len(parts) > 1 and list(stages)[-1] == run.export.name:
        record_scores(run.export, score_changes(parts[-2], parts[-1]))


def _write_results(run: Run) -> None:
    """Put the scores of the recipe's own task before those of downstream tasks."""
    stages = _stages_with_head(run) if run.recipe.evaluate is not None else {}
    parts = [pl.read_parquet(_scores_file(run, name)) for name in stages]
    parts += downstream_rows(run)
    if parts:
        write_rows(pl.concat(parts), run.directory / "results.parquet")


def _scores_file(run: Run, stage: str) -> Path:
    return run.directory / "evaluation" / f"{stage}.parquet"


def _stages_with_head(run: Run) -> dict[str, Path]:
    task = task_of(run.recipe)
    stages = all_stages(run)
    found = {name: path for name, path in stages.items() if has_head(path, task.head)}
    if not found:
        raise MissingInputError(
            "Could not evaluate: no model of the run has a head for the task.",
            got=f"{', '.join(stages)}; task {task.id}",
            expected=f"a model of {task.head}",
            fix="add a step fine_tuning, or begin with a fine-tuned model",
        )
    return found


def _measure_stages(run: Run, tell: Tell) -> None:
    settings = run.recipe.measure
    path = run.directory / "measure.json"
    if settings is None or path.exists():
        return
    tell("measure: latency, interleaved")
    names = {str(directory): name for name, directory in all_stages(run).items()}
    rows = measure_models(
        list(names), settings.batch, settings.length, settings.threads, settings.rounds
    )
    write_json(path, [{**row.as_dict(), "model": names[row.model]} for row in rows])


def _write_reports(run: Run) -> None:
    stages, rows, facts = stage_facts(run), run.rows(), report_facts(run)
    write_text(run.directory / "report.html", render_report(rows, stages, facts))
    card = render_model_card(rows, stages, facts)
    for directory in (run.directory, run.final):
        write_text(directory / "README.md", card)
