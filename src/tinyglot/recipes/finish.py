"""What follows the steps: export, scores of every stage, latency, report and model card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tinyglot.checkpoints.locate import locate_checkpoint
from tinyglot.evaluation import evaluate, no_rows
from tinyglot.export import export_checkpoint, load_predictor
from tinyglot.export.loading import is_export
from tinyglot.files import locked, read_json, replacing, write_json, write_text
from tinyglot.languages import resolve_language
from tinyglot.measure import measure_latency, size_of
from tinyglot.recipes.inputs import locate_data
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
    settings, task = run.recipe.evaluate, run.recipe.task or _task_of_steps(run.recipe)
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
        with replacing(run.directory / "results.parquet") as temporary:
            pl.concat(parts).write_parquet(temporary)


def _task_of_steps(recipe: Recipe) -> str | None:
    named = [task for step in recipe.steps if (task := getattr(step, "task", None))]
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
    languages = settings.languages or recipe.languages
    return evaluate_model(
        directory,
        task=str(recipe.task or _task_of_steps(recipe)),
        data=str(recipe.data),
        languages=languages,
        split=settings.split,
        model_name=name,
        seed=recipe.seed,
        max_sentences=settings.max_sentences,
    )


def evaluate_model(  # noqa: PLR0913  (each one column of the result)
    directory: Path,
    *,
    task: str,
    data: str,
    languages: tuple[str, ...],
    split: str = "test",
    model_name: str | None = None,
    seed: int = 0,
    max_sentences: int | None = None,
) -> pl.DataFrame:
    """Score a checkpoint or an export, language by language.

    Args:
        directory: Of a model with the task's head.
        task: Task id.
        data: Labelled data: a directory or a hub dataset id.
        languages: Tags or codes.
        split: Which split.
        model_name: The rows' ``model``; default: the directory's name.
        seed: Of the bootstrap.
        max_sentences: Per language, the first so many; default: all.

    Returns:
        Long-form rows.
    """
    labels = label_names(directory)
    return evaluate(
        load_predictor(directory),
        load_tokenizer(directory),
        labels,
        get_task(task),
        locate_data(data),
        tuple(resolve_language(code) for code in languages),
        split,
        model_name=model_name or directory.name,
        seed=seed,
        max_sentences=max_sentences,
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
    predictors = {
        name: load_predictor(directory, settings.threads)
        for name, directory in all_stages(run).items()
    }
    rows = measure_latency(
        predictors, settings.batch, settings.length, settings.threads, settings.rounds
    )
    write_json(path, [row.as_dict() for row in rows])


def stage_table(run: Run) -> list[dict[str, Any]]:
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
    stages, rows = stage_table(run), run.rows()
    write_text(run.directory / "report.html", render_report(rows, stages, report_facts(run)))
    card = render_model_card(rows, stages, report_facts(run))
    write_text(run.directory / "README.md", card)
    write_text(run.final / "README.md", card)


def report_facts(run: Run) -> dict[str, Any]:
    """Collect what a report says beside numbers.

    Args:
        run: A run.

    Returns:
        The recipe, the steps' records, and the languages.
    """
    return {"recipe": run.recipe.model_dump(mode="json"), "records": run.records()}
