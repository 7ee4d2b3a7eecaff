"""Tasks: one file each, found by id."""

import difflib
from typing import Any

from tinyglot.errors import UnknownMethodError
from tinyglot.tasks.ner import NamedEntityRecognition
from tinyglot.tasks.task import IGNORED_LABEL, Encoded, Task

__all__ = ["IGNORED_LABEL", "Encoded", "Task", "get_task", "tasks"]

_TASKS: tuple[Task[Any, Any], ...] = (NamedEntityRecognition(),)


def tasks() -> tuple[Task[Any, Any], ...]:
    """List the tasks, sorted by id.

    Returns:
        One instance each; tasks have no state.
    """
    return tuple(sorted(_TASKS, key=lambda task: task.id))


def get_task(id: str) -> Task[Any, Any]:
    """Find a task by its id.

    Args:
        id: Such as ``ner``; see ``tinyglot ls tasks``.

    Returns:
        The task.

    Raises:
        UnknownMethodError: If no task has that id.
    """
    by_id = {task.id: task for task in tasks()}
    if id in by_id:
        return by_id[id]
    close = difflib.get_close_matches(id, by_id, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UnknownMethodError(
        f"Could not find the task {id!r}.",
        got=repr(id),
        expected=f"one of {', '.join(by_id)}{hint}",
        fix="tinyglot ls tasks",
    )
