"""The paper's schedules by size of the data, and their scaling to runs of another length."""

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True)
class PublishedSchedule:
    """One row of the paper's table.

    Attributes:
        train: Training sentences.
        batch: Sentences a step.
        total: Steps of the whole run.
        start: Step of the first removal.
        end: Step after which none happens.
        every: Steps between two.
    """

    train: int
    batch: int
    total: int
    start: int
    end: int
    every: int

    @property
    def num_events(self) -> int:
        """How often weights are removed."""
        return (self.end - self.start) // self.every + 1

    def scaled(self, num_steps: int) -> tuple[int, int, int]:
        """Give start, end and frequency at the same shares of a run of another length.

        Args:
            num_steps: Optimizer steps of the run.

        Returns:
            As many removals as in the paper, at least one step apart, or as many as fit before the
            last step.
        """
        share = num_steps / self.total
        frequency = max(1, round(self.every * share))
        start = min(round(self.start * share), num_steps - 1)
        end = min(start + (self.num_events - 1) * frequency, num_steps - 1)
        return start, end, frequency


def published_schedules() -> tuple[PublishedSchedule, ...]:
    """Read the table.

    Returns:
        Its rows, by size.
    """
    return tuple(PublishedSchedule(**row) for row in _table()["rows"])


def source() -> str:
    """Say where the table is from.

    Returns:
        Paper and table.
    """
    return str(_table()["source"])


def nearest_schedule(num_sentences: int) -> PublishedSchedule:
    """Choose the row whose size is nearest by ratio.

    Args:
        num_sentences: Training sentences, all languages together.

    Returns:
        A row of the table.

    Example:
        >>> nearest_schedule(3000).train, nearest_schedule(578_300).train
        (5000, 20000)
    """
    wanted = math.log(max(num_sentences, 1))
    return min(published_schedules(), key=lambda row: abs(math.log(row.train) - wanted))


@cache
def _table() -> dict[str, Any]:
    file = resources.files("tinyglot.methods.magnitude_pruning") / "schedules.yaml"
    table: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return table
