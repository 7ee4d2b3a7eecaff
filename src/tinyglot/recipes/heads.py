"""Which head a saved model has, read from its configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinyglot.errors import ModelNotFoundError
from tinyglot.files import read_json
from tinyglot.tasks import Task


def has_head(directory: Path, head: str) -> bool:
    """Tell whether a checkpoint or export has a task's head.

    Args:
        directory: With a ``config.json``.
        head: An Auto class, such as ``AutoModelForTokenClassification``.

    Returns:
        Whether its class is one of that kind.
    """
    return _class_name(directory).endswith(head.removeprefix("AutoModel"))


def check_head(directory: Path, task: Task[Any, Any]) -> None:
    """Refuse a model that cannot do a task.

    Args:
        directory: With a ``config.json``.
        task: The task.

    Raises:
        ModelNotFoundError: If its head is another, or it has none.
    """
    if not has_head(directory, task.head):
        raise ModelNotFoundError(
            f"Could not use the model for the task {task.id}: it has no head for it.",
            got=f"{directory}, a {_class_name(directory) or 'model of no stated class'}",
            expected=f"a model of {task.head}",
            fix=f"tinyglot finetune MODEL --task {task.id} --data DIR --language TAG --out RUN",
        )


def _class_name(directory: Path) -> str:
    saved = read_json(directory / "config.json").get("architectures") or [""]
    return str(saved[0])


def label_names(directory: Path) -> tuple[str, ...]:
    """Read the labels of a checkpoint or export with a head.

    Args:
        directory: With a ``config.json``.

    Returns:
        Labels in the order of their ids; none if the configuration has none.
    """
    names: Mapping[str, str] = read_json(directory / "config.json").get("id2label") or {}
    return tuple(names[key] for key in sorted(names, key=int))
