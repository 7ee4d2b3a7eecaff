"""Encoded data that are kept in memory while one process has several trainings to do on them."""

import hashlib
import json
from collections.abc import Callable
from typing import Generic, TypeVar

from transformers import PreTrainedTokenizerFast

from tinyglot.data.sources import local_path
from tinyglot.training.config import TrainingOptions
from tinyglot.training.task_options import TaskTrainingOptions

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """The values that were made last, by what they were made from."""

    def __init__(self) -> None:
        #: how many are kept; 0 keeps none
        self.limit = 0
        self._kept: dict[str, Value] = {}

    def get(self, key: str | None, make: Callable[[], Value]) -> Value:
        """Give what was made from the same before, or make it.

        Args:
            key: Says all that it is made from; ``None`` if that cannot be said.
            make: Makes it.

        Returns:
            The value, which nobody may change.
        """
        if key is None or self.limit == 0:
            return make()
        value = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = value
        for oldest in list(self._kept)[: -self.limit]:
            del self._kept[oldest]
        return value


def corpus_key(
    tokenizer: PreTrainedTokenizerFast,
    own_labels: tuple[str, ...],
    options: TaskTrainingOptions,
    seed: int,
) -> str | None:
    """Say all that an encoded corpus is made from.

    Args:
        tokenizer: Its content counts.
        own_labels: Of the model's head, if it has one for the task.
        options: Resolved options; those of the training itself do not count.
        seed: Of the choice of training sentences.

    Returns:
        A digest; ``None`` for data that are no directory of this machine. Files count by name,
        size and time of the last change.
    """
    directory = local_path(str(options.data))
    if not directory.is_dir():
        return None
    files = [(str(path), path.stat()) for path in sorted(directory.rglob("*")) if path.is_file()]
    of_training = set(TrainingOptions.model_fields)
    parts = [
        options.model_dump(
            mode="json", include=set(TaskTrainingOptions.model_fields) - of_training
        ),
        own_labels,
        seed,
        hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        [(name, state.st_size, state.st_mtime_ns) for name, state in files],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
