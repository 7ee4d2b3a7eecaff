"""What a run directory holds, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tinyglot.evaluation.score import SCHEMA
from tinyglot.files import read_json
from tinyglot.recipes.schema import Recipe
from tinyglot.training import Trunk

Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Take a line and show it nowhere."""


@dataclass(frozen=True)
class Shared:
    """What a run shares with others that may run at the same time.

    Attributes:
        perturbed: A directory of perturbed data.
        prefixes: By position of a step, the directory of that step once any of these runs has
            finished it; they all have the same steps up to there.
    """

    perturbed: Path | None = None
    prefixes: Mapping[int, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A run directory and the recipe that made it.

    Attributes:
        directory: Holds ``recipe.yaml``, ``steps/``, ``final/`` and the results.
        recipe: As resolved.
        trunks: First training steps that are shared with other runs, by the step's position.
        perturbed: Where perturbed data are that are shared with other runs; each run has its own
            if ``None``.
        prefixes: Where finished steps are that are shared with other runs, which begin with the
            same steps, by the step's position.
    """

    directory: Path
    recipe: Recipe
    trunks: Mapping[int, Trunk] = field(default_factory=dict)
    perturbed: Path | None = None
    prefixes: Mapping[int, Path] = field(default_factory=dict)

    @property
    def final(self) -> Path:
        """The checkpoint that the recipe was run for."""
        return self.directory / "final"

    @property
    def export(self) -> Path:
        """The deployable file, where the recipe makes one."""
        return self.directory / "export"

    @property
    def downstream(self) -> Path:
        """Scores of the stages on downstream tasks, where the recipe asks for them."""
        return self.directory / "downstream"

    @property
    def downstream_summary(self) -> Path:
        """All stages on all tasks, side by side."""
        return self.directory / "downstream.json"

    def step_directory(self, position: int) -> Path:
        """Name the directory of a step.

        Args:
            position: From 0.

        Returns:
            Such as ``steps/01-vocabulary_trimming``.
        """
        return self.directory / "steps" / f"{position + 1:02d}-{self.recipe.steps[position].method}"

    def is_finished(self, position: int) -> bool:
        """Tell whether a step is finished: when its record is there, and nothing else says so.

        Args:
            position: From 0.

        Returns:
            Whether it needs not be done again.
        """
        return (self.step_directory(position) / "record.json").exists()

    def stages(self) -> dict[str, Path]:
        """List the checkpoints of the finished steps.

        Returns:
            Directory by step name, in order.
        """
        finished = filter(self.is_finished, range(len(self.recipe.steps)))
        directories = map(self.step_directory, finished)
        return {directory.name: directory / "checkpoint" for directory in directories}

    def records(self) -> list[dict[str, Any]]:
        """Read what each finished step recorded.

        Returns:
            One mapping a step, in order.
        """
        return [read_json(path.parent / "record.json") for path in self.stages().values()]

    def rows(self) -> pl.DataFrame:
        """Read the scores.

        Returns:
            Long-form rows; none if the recipe evaluates nothing.
        """
        path = self.directory / "results.parquet"
        return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=SCHEMA)
