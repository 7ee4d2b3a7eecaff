"""What follows the steps: export, scores of every stage, latency, report and model card."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from tinyglot.checkpoints.bundled import BUNDLED_LICENSE, BUNDLED_ORIGIN
from tinyglot.checkpoints.locate import BUNDLED_PREFIX, locate_checkpoint
from tinyglot.evaluation.score import evaluate
from tinyglot.export import (
    export_checkpoint,
    load_predictor,
    measure_models,
    record_scores,
    score_changes,
)
from tinyglot.files import locked, read_json, replacing, write_json, write_text
from tinyglot.measure import size_of
from tinyglot.recipes.inputs import is_synthetic, locate_data
from tinyglot.recipes.runner import Run, Tell, run_steps, silent
from tinyglot.recipes.schema import EvaluateSettings, Recipe
from tinyglot.reports import render_model_card, render_report
from tinyglot.tasks import get_task
from tinyglot.tokenizers import load_tokenizer

SOURCE = "source"
EXPORT = "export"


def run_recipe(recipe: Recipe, directory: Path, tell: Tell = silent) -> Run:
    """Do everything a recipe says: steps, export, scores, latency, report, model card.

    Args:
        recipe: A checked recipe.
        directory: The run directory; made, or gone on with if the same recipe began it.
        tell: Takes lines for a person.

    Returns:
        The finished run.

    Raises:
        RunDirectoryError: If another process holds the directory, or another recipe began it.
        MissingInputError: If a step needs text, data or languages that the recipe does not give.
        TinyglotError: Whatever a step refuses.
    """
    with locked(directory):
        run = run_steps(recipe, directory, tell)
        _export(run, tell)
        _evaluate_stages(run, tell)
        _measure_stages(run, tell)
        _write_reports(run)
    return run


def _export(run: Run, tell: Tell) -> None:
    settings = run.recipe.export
    target = run.directory / EXPORT
    if settings is not None and not (target / "export.json").exists():
        tell(f"export: {settings.format}{', int8' if settings.int8 else ''}")
        export_checkpoint(run.final, target, format=settings.format, int8=settings.int8)


def all_stages(run: Run) -> dict[str, Path]:
    """List every artefact of a run, the source first and the export last.

    Args:
        run: A run.

    Returns:
        Directory by stage name.
    """
    stages = {SOURCE: locate_checkpoint(run.recipe.model, run.recipe.revision), **run.stages()}
    if (run.directory / EXPORT / "export.json").exists():
        stages[EXPORT] = run.directory / EXPORT
    return stages


def _evaluate_stages(run: Run, tell: Tell) -> None:
    settings, task = run.recipe.evaluate, task_of(run.recipe)
    if settings is None or task is None:
        return
    parts = []
    for name, directory in all_stages(run).items():
        if not has_head(directory, get_task(task).head):
            continue
        path = run.directory / "evaluation" / f"{name}.parquet"
        if not path.exists():
            tell(f"evaluate: {name}")
            rows = evaluate_stage(run.recipe, settings, name, directory)
            with replacing(path) as temporary:
                rows.write_parquet(temporary)
        parts.append(pl.read_parquet(path))
    if parts:
        _record_export_scores(run, parts)
        with replacing(run.directory / "results.parquet") as temporary:
            pl.concat(parts).write_parquet(temporary)


def _record_export_scores(run: Run, parts: list[pl.DataFrame]) -> None:
    """Say in ``export.json`` what the export cost each language."""
    if len(parts) > 1 and parts[-1]["model"][0] == EXPORT:
        record_scores(run.directory / EXPORT, score_changes(parts[-2], parts[-1]))


def task_of(recipe: Recipe) -> str | None:
    """Name the task of a recipe: its own, else that of its last step that has one.

    Args:
        recipe: A checked recipe.

    Returns:
        A task id, or ``None``.
    """
    return recipe.task or _last(recipe, "task")


def data_of(recipe: Recipe) -> str | None:
    """Name the labelled data of a recipe: its own, else those of its last step that has any.

    Args:
        recipe: A checked recipe.

    Returns:
        A directory or hub id, or ``None``.
    """
    return recipe.data or _last(recipe, "data")


def _last(recipe: Recipe, field: str) -> str | None:
    named = [value for step in recipe.steps if (value := getattr(step, field, None))]
    return named[-1] if named else None


def has_head(directory: Path, head: str) -> bool:
    """Tell whether a checkpoint or export has a task's head.

    Args:
        directory: With a ``config.json``.
        head: An Auto class, such as ``AutoModelForTokenClassification``.

    Returns:
        Whether its class is one of that kind.
    """
    saved = read_json(directory / "config.json").get("architectures") or [""]
    return str(saved[0]).endswith(head.removeprefix("AutoModel"))


def evaluate_stage(
    recipe: Recipe, settings: EvaluateSettings, name: str, directory: Path
) -> pl.DataFrame:
    """Score one artefact of a recipe.

    Args:
        recipe: Gives data, task, languages and seed.
        settings: What to score.
        name: The rows' ``model``.
        directory: A checkpoint or an export with the task's head.

    Returns:
        Long-form rows.
    """
    return evaluate(
        load_predictor(directory),
        load_tokenizer(directory),
        label_names(directory),
        get_task(str(task_of(recipe))),
        locate_data(str(data_of(recipe))),
        settings.languages or recipe.languages,
        settings.split,
        model_name=name,
        seed=recipe.seed,
    )


def label_names(directory: Path) -> tuple[str, ...]:
    """Read the labels of a checkpoint or export.

    Args:
        directory: With a ``config.json``.

    Returns:
        Labels in the order of their ids.
    """
    names: Mapping[str, str] = read_json(directory / "config.json")["id2label"]
    return tuple(names[key] for key in sorted(names, key=int))


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


def stage_facts(run: Run) -> list[dict[str, Any]]:
    """Sum up every artefact of a run: parameters, bytes, latency.

    Args:
        run: A run.

    Returns:
        One mapping a stage, in order.
    """
    path = run.directory / "measure.json"
    latency = {row["model"]: row for row in reversed(read_json(path) if path.exists() else [])}
    return [
        {"name": name, **size_of(directory).as_dict(), **latency.get(name, {})}
        for name, directory in all_stages(run).items()
    ]


def _write_reports(run: Run) -> None:
    stages, rows = stage_facts(run), run.rows()
    write_text(run.directory / "report.html", render_report(rows, stages, report_facts(run)))
    card = render_model_card(rows, stages, report_facts(run))
    write_text(run.directory / "README.md", card)
    write_text(run.final / "README.md", card)


def report_facts(run: Run) -> dict[str, Any]:
    """Collect what a report says beside numbers.

    Args:
        run: A run.

    Returns:
        The recipe, the steps' records, and where model and data came from.
    """
    recipe = run.recipe
    facts: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json", serialize_as_any=True),
        "records": run.records(),
        "synthetic": any(is_synthetic(value) for value in _inputs(recipe)),
    }
    if recipe.model.startswith(BUNDLED_PREFIX):
        facts |= {"base_model": BUNDLED_ORIGIN, "license": BUNDLED_LICENSE}
    return facts


def _inputs(recipe: Recipe) -> list[str]:
    return [*chain.from_iterable(recipe.text.values()), data_of(recipe) or ""]
