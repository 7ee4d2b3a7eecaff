"""Tasks: one file each, found by id."""

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import ValidationError

from tinyglot.errors import TaskOptionError, UnknownMethodError
from tinyglot.tasks.mlm import MaskedLanguageModelling
from tinyglot.tasks.ner import NamedEntityRecognition
from tinyglot.tasks.nli import NaturalLanguageInference
from tinyglot.tasks.paraphrase import ParaphraseIdentification
from tinyglot.tasks.pos import PartOfSpeechTagging
from tinyglot.tasks.qa import QuestionAnswering
from tinyglot.tasks.retrieval import SentenceRetrieval
from tinyglot.tasks.sentiment import SentimentClassification
from tinyglot.tasks.task import IGNORED_LABEL, Encoded, Metric, Task, TaskOption
from tinyglot.tasks.topic import TopicClassification

__all__ = [
    "IGNORED_LABEL",
    "Encoded",
    "Metric",
    "Task",
    "TaskOption",
    "find_metric",
    "get_task",
    "tasks",
]

_TASKS: tuple[Task[Any, Any], ...] = (
    MaskedLanguageModelling(),
    NamedEntityRecognition(),
    NaturalLanguageInference(),
    ParaphraseIdentification(),
    PartOfSpeechTagging(),
    QuestionAnswering(),
    SentenceRetrieval(),
    SentimentClassification(),
    TopicClassification(),
)


def tasks() -> tuple[Task[Any, Any], ...]:
    """List the tasks, sorted by id.

    Returns:
        One instance each, with default options.
    """
    return tuple(sorted(_TASKS, key=lambda task: task.id))


def get_task(id: str, options: Mapping[str, Any] | None = None) -> Task[Any, Any]:
    """Find a task by its id.

    Args:
        id: Such as ``ner``; see ``tinyglot ls tasks``.
        options: Fields of the task; text is converted.

    Returns:
        The task.

    Raises:
        UnknownMethodError: If no task has that id.
        TaskOptionError: If an option is unknown or out of range; all are listed.
    """
    by_id = {task.id: task for task in tasks()}
    if id in by_id:
        return _with_options(by_id[id], options or {})
    close = difflib.get_close_matches(id, by_id, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UnknownMethodError(
        f"Could not find the task {id!r}.",
        got=repr(id),
        expected=f"one of {', '.join(by_id)}{hint}",
        fix="tinyglot ls tasks",
    )


def find_metric(task: str, name: str) -> Metric | None:
    """Find a metric by its task and name.

    Args:
        task: A task's id.
        name: As in results.

    Returns:
        The metric; ``None`` if there is no such task or metric.
    """
    known = (one for one in tasks() if one.id == task)
    metrics = (metric for one in known for metric in (*one.metrics, *one.optional_metrics))
    return next((metric for metric in metrics if metric.name == name), None)


def _with_options(task: Task[Any, Any], options: Mapping[str, Any]) -> Task[Any, Any]:
    known: list[str] = [field.name for field in fields(task)] if is_dataclass(task) else []
    problems = [f"{name}: no option of the task" for name in options if name not in known]
    try:
        if not problems:
            return type(task)(**options) if options else task
    except ValidationError as error:
        problems = [f"{e['loc'][-1]}: {e['msg']} (got {e['input']!r})" for e in error.errors()]
    raise TaskOptionError(
        f"Could not set {len(problems)} option(s) of the task {task.id}.",
        got="\n".join(problems),
        expected=f"options of {task.id}: "
        + (", ".join(f"{name} (now {getattr(task, name)!r})" for name in known) or "none"),
        fix="tinyglot ls tasks --json",
    )
