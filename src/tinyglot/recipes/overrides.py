"""Values that a command gives in place of a recipe's: model, languages, text, data, steps, seed."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tinyglot.data.synthetic import is_synthetic
from tinyglot.errors import TinyglotError
from tinyglot.languages import resolve_language
from tinyglot.methods.registry import METHODS, get_method
from tinyglot.recipes.inputs import text_by_language
from tinyglot.tasks import tasks
from tinyglot.training import TaskTrainingOptions, TrainingOptions

Content = dict[str, Any]


@dataclass(frozen=True)
class Overrides:
    """What a command gives; whatever is not given stays as the recipe has it.

    Attributes:
        model: ``bundled:NAME``, a checkpoint directory, or a hub id.
        languages: Tags or codes.
        text: ``TAG=PATH`` or paths, as ``text_by_language`` reads them.
        data: ``TASK=PATH``, the data of a downstream task; or the recipe's own labelled data.
        steps: Optimizer steps of each step that trains on text.
        seed: Seed of every generator.
    """

    model: str | None = None
    languages: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    steps: int | None = None
    seed: int | None = None


def override(content: Mapping[str, Any], given: Overrides) -> tuple[Content, list[str]]:
    """Put the values of a command into a recipe.

    Args:
        content: What the YAML holds. It is not changed.
        given: What the command gives.

    Returns:
        The recipe's content with these values, and a line for each that has no place in it.
    """
    changed: Content = copy.deepcopy(dict(content))
    named = {"model": given.model, "seed": given.seed}
    changed |= {name: value for name, value in named.items() if value is not None}
    parts: tuple[Callable[[], Iterator[str]], ...] = (
        partial(_set_languages, changed, given.languages),
        partial(_set_text, changed, given.text),
        partial(_set_data, changed, given.data),
        partial(_set_steps, changed, given.steps),
    )
    return changed, [mistake for part in parts for mistake in part()]


def trains_on_text(method: object) -> bool:
    """Tell whether a method trains on running text, and not on a labelled task.

    Args:
        method: Its name, as the YAML holds it.

    Returns:
        Whether it has options of training, but none of a task's.
    """
    if method not in METHODS:
        return False
    config = get_method(str(method)).config_class
    return issubclass(config, TrainingOptions) and not issubclass(config, TaskTrainingOptions)


def _set_languages(content: Content, codes: Sequence[str]) -> Iterator[str]:
    """Set the languages; made text goes with them, text of other languages is left out."""
    tags = []
    for code in codes:
        try:
            tags.append(resolve_language(code))
        except TinyglotError as error:
            yield _line("--language", error)
    if not codes:
        return
    content["languages"] = list(dict.fromkeys(tags))
    text = content.get("text")
    if isinstance(text, Mapping):
        content["text"] = _text_of(text, content["languages"])


def _text_of(text: Mapping[str, Any], tags: Sequence[str]) -> dict[str, Any]:
    own = {_tag_or_self(str(code)): paths for code, paths in text.items()}
    made = next((paths for paths in own.values() if _is_made(paths)), None)
    found = {tag: own.get(tag, made) for tag in tags}
    return {tag: paths for tag, paths in found.items() if paths is not None}


def _tag_or_self(code: str) -> str:
    try:
        return resolve_language(code)
    except TinyglotError:  # reported when the recipe is checked
        return code


def _is_made(paths: Any) -> bool:  # noqa: ANN401  (any YAML)
    every = [paths] if isinstance(paths, str) else paths
    return isinstance(every, list | tuple) and all(is_synthetic(str(path)) for path in every)


def _set_text(content: Content, values: Sequence[str]) -> Iterator[str]:
    if not values:
        return
    try:
        found = text_by_language(values, _listed(content.get("languages")))
    except TinyglotError as error:
        yield _line("--text", error)
    else:
        content["text"] = {tag: list(paths) for tag, paths in found.items()}


def _set_data(content: Content, values: Sequence[str]) -> Iterator[str]:
    known = {task.id for task in tasks()}
    for value in values:
        task, separator, path = value.partition("=")
        if not separator or task not in known:
            yield from _set_own_data(content, value)
        elif not isinstance(content.get("downstream"), Mapping):
            yield f"--data: the recipe has no section downstream (got {value})"
        else:
            _set_data_of_task(content["downstream"], task, path)


def _set_own_data(content: Content, value: str) -> Iterator[str]:
    if content.get("downstream") and not content.get("task"):
        yield f"--data: say of which task, such as topic={value} (got {value})"
    content["data"] = value


def _set_data_of_task(section: Content, task: str, path: str) -> None:
    """Set the data beside the task's own options; what is no mapping is told of by the check."""
    every = section.get("tasks") or {}
    own = every.get(task) or {} if isinstance(every, Mapping) else None
    if isinstance(own, Mapping):
        section["tasks"] = {**every, task: {**own, "data": path}}


def _set_steps(content: Content, steps: int | None) -> Iterator[str]:
    listed = [step for step in _listed(content.get("steps")) if isinstance(step, dict)]
    on_text = [step for step in listed if trains_on_text(step.get("method"))]
    if steps is not None and not on_text:
        yield f"--steps: no step of the recipe trains on text (got {steps})"
    for step in on_text if steps is not None else ():
        step["max_steps"] = steps


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401  (any YAML)
    """Give what is a list, and nothing for what the check refuses."""
    return value if isinstance(value, list | tuple) else ()


def _line(option: str, error: TinyglotError) -> str:
    return f"{option}: {error.problem} (got {error.got}; {error.fix})"
