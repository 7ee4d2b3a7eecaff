"""What a cell is trained on, read without any model: how many steps, and what of it is scored."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache
from math import ceil
from typing import Any

from tinyglot.data.checks.measure import measure_overlap
from tinyglot.data.sampling import sampled_counts
from tinyglot.evaluation.score import read_languages
from tinyglot.recipes import Recipe
from tinyglot.recipes.inputs import data_of, evaluated_languages, task_of
from tinyglot.tasks import get_task
from tinyglot.training.corpus import resolve_options, training_sentences
from tinyglot.training.corpus import task_of as trained_task_of
from tinyglot.training.task_options import TaskTrainingOptions
from tinyglot.training.text import TextTrainingOptions

About = dict[str, Any]


def num_steps(recipe: Recipe) -> int | None:
    """Count the optimizer steps of a recipe from the sizes of its data.

    Sentences above ``max_length`` become several sequences, which only a tokenizer can tell: then
    there are a few more steps.

    Args:
        recipe: A checked recipe.

    Returns:
        Steps of all steps of the recipe that train; ``None`` if batches are measured in tokens, or
        it does not say how long to train on text.

    Raises:
        TinyglotError: If the data cannot be read.
    """
    counts = [_steps_of(options) for options in training_steps(recipe).values()]
    counts += [options.max_steps for options in _text_steps(recipe)]
    return None if None in counts else sum(filter(None, counts))


def about_data(recipe: Recipe) -> dict[str, About]:
    """Say what of each scored language the last training step was trained on.

    Args:
        recipe: A checked recipe that evaluates.

    Returns:
        By language: ``num_train_sentences``, ``train_overlap`` (share of the scored sentences
        that are in the training data) and ``entity_overlap`` (share of their mentions that are
        mentioned there; ``None`` where nothing is a mention).
    """
    task, split = task_of(recipe), recipe.evaluate.split if recipe.evaluate else "test"
    scored = read_languages(task, str(data_of(recipe)), evaluated_languages(recipe), split)
    trained = trained_on(recipe)
    everything = [example for examples in trained.values() for example in examples]
    return {
        tag: {"num_train_sentences": len(trained.get(tag, ()))}
        | _overlaps(tag, task.id, examples, everything)
        for tag, examples in scored.items()
    }


def data_digests(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Say which sentences a recipe reads, so that edited data are noticed.

    Args:
        recipe: A checked recipe.

    Returns:
        SHA-256 by language and split: of the training splits, and of the one that is scored.
    """
    asked = [
        (
            _named_task(options.task, options.task_options),
            str(options.data),
            tag,
            options.train_split,
        )
        for options in training_steps(recipe).values()
        for tag in options.languages
    ]
    if recipe.evaluate is not None:
        task, data = _named_task(recipe.task, recipe.task_options), str(data_of(recipe))
        asked += [(task, data, tag, recipe.evaluate.split) for tag in evaluated_languages(recipe)]
    found: dict[str, dict[str, str]] = {}
    for task, data, tag, split in asked:
        found.setdefault(tag, {})[split] = _digest(task, data, tag, split)
    return found


def trained_on(recipe: Recipe) -> dict[str, Sequence[Any]]:
    """Read the sentences of the last step that trains.

    Args:
        recipe: A checked recipe.

    Returns:
        By language; none if no step trains.
    """
    steps = list(training_steps(recipe).values())
    return _sentences(steps[-1], recipe.seed) if steps else {}


def training_steps(recipe: Recipe) -> dict[int, TaskTrainingOptions]:
    """List the steps of a recipe that train on a task.

    Args:
        recipe: A checked recipe.

    Returns:
        Resolved options by position.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
    """
    return {
        position: resolve_options(step, recipe)
        for position, step in enumerate(recipe.steps)
        if isinstance(step, TaskTrainingOptions) and getattr(step, "recovery", "train") == "train"
    }


def _steps_of(options: TaskTrainingOptions) -> int | None:
    if options.max_steps is not None:
        return options.stop_step or options.max_steps
    if options.batch_size is None:
        return None
    return options.num_epochs * ceil(num_sentences(options) / options.batch_size)


def num_sentences(options: TaskTrainingOptions) -> int:
    """Count the sentences of one training.

    Args:
        options: Resolved options.

    Returns:
        Of all languages together.

    Raises:
        TinyglotError: If the data cannot be read.
    """
    task, data = _named_task(options.task, options.task_options), str(options.data)
    sizes = {tag: _size(task, data, tag, options.train_split) for tag in options.languages}
    counts = sampled_counts(
        sizes,
        total=options.num_train_sentences,
        temperature=options.sampling_temperature,
        cap=options.max_train_sentences,
    )
    return sum(counts.values())


def needs_no_data(recipe: Recipe) -> bool:
    """Tell whether steps can be counted without the data, since the recipe gives their number."""
    options = [*training_steps(recipe).values(), *_text_steps(recipe)]
    return all(step.max_steps is not None for step in options)


def _text_steps(recipe: Recipe) -> list[TextTrainingOptions]:
    return [step for step in recipe.steps if isinstance(step, TextTrainingOptions)]


def _named_task(name: str | None, options: Mapping[str, Any]) -> str:
    return json.dumps([name, dict(options)])


@cache
def _size(task: str, data: str, tag: str, split: str) -> int:
    name, options = json.loads(task)
    return len(get_task(name, options).read(data, tag, split))


def _digest(task: str, data: str, tag: str, split: str) -> str:
    """Hash the sentences as they are read, whatever the files look like."""
    name, options = json.loads(task)
    found = hashlib.sha256()
    for example in get_task(name, options).read(data, tag, split):
        found.update(json.dumps(asdict(example), ensure_ascii=False).encode() + b"\n")
    return found.hexdigest()


def _sentences(options: TaskTrainingOptions, seed: int) -> dict[str, Sequence[Any]]:
    chosen = {"data", "task", "task_options", "languages", "train_split", "sampling_temperature"}
    chosen |= {"max_train_sentences", "num_train_sentences"}
    relevant = TaskTrainingOptions(**options.model_dump(include=chosen))
    return _read(relevant.model_dump_json(), seed)


@lru_cache(maxsize=4)
def _read(options: str, seed: int) -> dict[str, Sequence[Any]]:
    """Read once what many cells are trained on."""
    checked = TaskTrainingOptions.model_validate_json(options)
    return training_sentences(trained_task_of(checked), checked, seed)


def _overlaps(tag: str, kind: str, scored: Sequence[Any], trained: Sequence[Any]) -> About:
    found = measure_overlap(tag, kind, ("scored", scored), ("train", trained))
    mentions = found.num_mentions
    return {
        "train_overlap": found.num_shared / found.num_examples,
        "entity_overlap": found.num_seen_mentions / mentions
        if mentions and found.num_seen_mentions is not None
        else None,
    }
