"""What a recipe needs beside the model: text for each language, labelled data, a task."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from tinyglot.data.perturbations import MentionReplacement, Mentions
from tinyglot.data.reading import available_splits
from tinyglot.data.splits import canonical_split, split_name
from tinyglot.data.synthetic import is_synthetic
from tinyglot.errors import (
    DataNotFoundError,
    MissingInputError,
    UnknownLanguageError,
    UnknownMethodError,
)
from tinyglot.languages import LanguageTag, resolve_language
from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.registry import get_method
from tinyglot.recipes.downstream.checks import lacking_for_downstream
from tinyglot.recipes.schema import EvaluateSettings, Recipe
from tinyglot.recipes.teachers import lacking_teachers
from tinyglot.tasks import Task, get_task
from tinyglot.training import TaskTrainingOptions, resolve_options

MENTIONS = "ner"
"""The task whose data have mentions."""

# --- from options -------------------------------------------------------------------------------


def text_by_language(values: Sequence[str], languages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Say which text belongs to which language.

    A value is ``TAG=PATH``; or a plain path, which belongs to the language when there is one; or,
    for several languages, a directory with a folder or file for each (named by any code of it).

    Args:
        values: As given, in order.
        languages: Tags or codes of the wanted languages.

    Returns:
        Paths per language tag.

    Raises:
        DataNotFoundError: If a path is not there.
        MissingInputError: If a path's language is not clear or not wanted, or a language got no
            text.
        UnknownLanguageError: If a code is in no table.
    """
    tags = list(dict.fromkeys(resolve_language(code) for code in languages))
    found: dict[str, list[str]] = {tag: [] for tag in tags}
    for value in values:
        for tag, path in _places(value, tags):
            found[tag].append(path)
    without = [tag for tag in tags if not found[tag]]
    if without:
        raise MissingInputError(
            "Could not assign the text: some languages have none.",
            got=f"no text for {', '.join(without)} in {', '.join(values) or 'no --text'}",
            expected="a file or directory for every language",
            fix=f"--text {without[0]}=PATH, or a directory with a folder {without[0]}",
        )
    return {tag: tuple(paths) for tag, paths in found.items()}


def _places(value: str, tags: Sequence[LanguageTag]) -> list[tuple[LanguageTag, str]]:
    code, separator, path = value.partition("=")
    if separator and not Path(value).exists():
        return [(_wanted(code, tags), _existing(path))]
    if is_synthetic(value):
        return [(tag, value) for tag in tags]
    folders = _language_folders(Path(_existing(value)), tags)
    if folders:
        return folders
    if len(tags) == 1:
        return [(tags[0], value)]
    raise MissingInputError(
        "Could not assign the text: its language is not clear.",
        got=f"{value} for {', '.join(tags) or 'no language'}",
        expected="TAG=PATH, or a directory with a folder for each language",
        fix=f"--text {tags[0]}={value}" if tags else "--language TAG",
    )


def _wanted(code: str, tags: Sequence[LanguageTag]) -> LanguageTag:
    tag = resolve_language(code)
    if tag not in tags:
        raise MissingInputError(
            "Could not assign the text: its language is not among those asked for.",
            got=f"text for {code} ({tag})",
            expected=f"text for {', '.join(tags)}",
            fix=f"--language {tag}, or leave that text out",
        )
    return tag


def _existing(path: str) -> str:
    if not Path(path).exists():
        raise DataNotFoundError(
            "Could not read the text: there is no such file or directory.",
            got=path,
            expected="a text file or a directory of them",
            fix="check --text",
        )
    return path


def _language_folders(
    directory: Path, tags: Sequence[LanguageTag]
) -> list[tuple[LanguageTag, str]]:
    if not directory.is_dir():
        return []
    named = [(_tag_of(path.name), str(path)) for path in sorted(directory.iterdir())]
    return [(tag, path) for tag, path in named if tag is not None and tag in tags]


def _tag_of(name: str) -> LanguageTag | None:
    try:
        return resolve_language(name.partition(".")[0])
    except UnknownLanguageError:
        return None


# --- from a recipe ------------------------------------------------------------------------------


def check_inputs(recipe: Recipe) -> None:
    """Refuse a recipe that lacks what its steps need, before anything is loaded.

    Args:
        recipe: A checked recipe.

    Raises:
        MissingInputError: Names everything that is lacking or not there.
    """
    lacking = [
        *_lacking_text(recipe),
        *lacking_teachers(recipe),
        *_unknown_tasks(recipe),
        *_lacking_for_evaluation(recipe),
        *_lacking_for_mentions(recipe),
        *lacking_for_downstream(recipe),
    ]
    for position, step in enumerate(recipe.steps):
        place = f"steps.{position}.{step.method}"
        lacking += [f"{place} needs {need}" for need in _needs(recipe, step)]
    if lacking:
        raise MissingInputError(
            f"Could not start: {len(lacking)} input(s) are missing.",
            got="\n".join(lacking),
            expected="every input that a step needs",
            fix="add the keys to the recipe, or give the options (--text, --data, --language)",
        )


def _needs(recipe: Recipe, step: MethodConfig) -> Iterator[str]:
    needs = get_method(step.method).needs
    for need in needs:
        if not getattr(recipe, need) and not getattr(step, need, None):
            yield need
        elif need == "text":
            tags = getattr(step, "languages", ()) or recipe.languages
            yield from (f"text for {tag}" for tag in tags if tag not in recipe.text)


def _lacking_text(recipe: Recipe) -> Iterator[str]:
    for tag, paths in recipe.text.items():
        for path in paths:
            if not is_synthetic(path) and not Path(path).exists():
                yield f"text.{tag}: there is no {path}"


def _unknown_tasks(recipe: Recipe) -> Iterator[str]:
    named = {getattr(step, "task", None) for step in recipe.steps} | {recipe.task}
    for task in sorted(filter(None, named)):
        try:
            get_task(task)
        except UnknownMethodError as error:
            yield f"task: there is no {task}; expected {error.expected}"


def _lacking_for_evaluation(recipe: Recipe) -> Iterator[str]:
    if recipe.evaluate is None:
        return
    if not task_id_of(recipe):
        yield "evaluate needs task"
    if not data_of(recipe):
        yield "evaluate needs data"
    if not evaluated_languages(recipe):
        yield "evaluate needs languages"


def _lacking_for_mentions(recipe: Recipe) -> Iterator[str]:
    """Name what mentions cannot be taken from; a missing data set is named once."""
    settings = recipe.evaluate or EvaluateSettings()
    task, data = task_id_of(recipe), data_of(recipe)
    for option in ("perturbations", "by_mention_novelty"):
        if getattr(settings, option) and task not in (None, MENTIONS):
            yield f"evaluate.{option} needs task {MENTIONS}, not {task}"
    if settings.by_mention_novelty and not any(_training_steps(recipe)):
        yield "evaluate.by_mention_novelty needs a step that trains"
    if settings.perturbations and data and task == MENTIONS:
        lines = (_lacking_splits(recipe, data, tag) for tag in evaluated_languages(recipe))
        yield from dict.fromkeys(chain.from_iterable(lines))


def _training_steps(recipe: Recipe) -> Iterator[TaskTrainingOptions]:
    yield from (step for step in recipe.steps if isinstance(step, TaskTrainingOptions))


def _lacking_splits(recipe: Recipe, data: str, tag: LanguageTag) -> Iterator[str]:
    try:
        there = available_splits(MENTIONS, data, tag)
    except DataNotFoundError as error:
        yield f"evaluate.perturbations: {error.problem} (got {error.got})"
        return
    settings = recipe.evaluate or EvaluateSettings()
    asked = map(MentionReplacement.from_name, settings.perturbations)
    trained = {options.train_split for options in asked if options.mentions is not Mentions.any}
    for split in (settings.split, *sorted(trained)):
        if canonical_split(split_name(split)) not in there:
            yield f"evaluate.perturbations needs the split {split} of {tag}"


def task_of(recipe: Recipe) -> Task[Any, Any]:
    """Give the task of a recipe that has one, with its options.

    Args:
        recipe: A checked recipe.

    Returns:
        Its own, else that of its last step that has one.

    Raises:
        UnknownMethodError: If there is no such task.
        TaskOptionError: If an option is unknown or out of range.
    """
    options = recipe.task_options or _last(recipe, "task_options")
    return get_task(str(task_id_of(recipe)), options)


def trained_step(recipe: Recipe) -> TaskTrainingOptions | None:
    """Give the options of the last step that trains on a task.

    Args:
        recipe: A checked recipe.

    Returns:
        As resolved; ``None`` if no step trains.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
    """
    steps = list(_training_steps(recipe))
    return resolve_options(steps[-1], recipe) if steps else None


def task_id_of(recipe: Recipe) -> str | None:
    """Name the task of a recipe: its own, else that of its last step that has one.

    Args:
        recipe: A checked recipe.

    Returns:
        A task id, or ``None``.
    """
    task: str | None = recipe.task or _last(recipe, "task")
    return task


def data_of(recipe: Recipe) -> str | None:
    """Name the labelled data of a recipe: its own, else those of its last step that has any.

    Args:
        recipe: A checked recipe.

    Returns:
        A directory or hub id, or ``None``.
    """
    data: str | None = recipe.data or _last(recipe, "data")
    return data


def evaluated_languages(recipe: Recipe) -> tuple[LanguageTag, ...]:
    """List the languages whose scores are taken.

    Args:
        recipe: A checked recipe.

    Returns:
        Those of ``evaluate``, else the recipe's.
    """
    return (recipe.evaluate.languages if recipe.evaluate else ()) or recipe.languages


def _last(recipe: Recipe, field: str) -> Any:  # noqa: ANN401  (the field's value)
    named = [value for step in recipe.steps if (value := getattr(step, field, None))]
    return named[-1] if named else None
