"""The first training steps that the cells of a group share: until weights are first removed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.schedule import make_schedule
from tinyglot.recipes import Recipe
from tinyglot.studies.training_data import num_sentences, num_steps, training_steps


def shared_steps(recipes: Sequence[Recipe], directory: Path) -> dict[int, dict[str, Any]]:
    """Say which steps are shared, for a group of cells that are trained alike.

    Args:
        recipes: Of the group, with the data's place; they differ in pruning only.
        directory: Where the shared steps of this group are kept.

    Returns:
        By position of the recipe's first step that trains: directory and number of shared steps;
        nothing if they share none.
    """
    starts = [start for recipe in recipes for start in _starts(recipe)]
    if len(recipes) < 2 or not starts:
        return {}
    position, step = min(starts)
    return {position: {"directory": str(directory), "step": step}} if step > 0 else {}


def _starts(recipe: Recipe) -> Iterator[tuple[int, int]]:
    """Give position and first removal of the first step that trains, if it prunes."""
    for position, options in list(training_steps(recipe).items())[:1]:
        steps = options.max_steps or num_steps(recipe)
        if isinstance(options, PruningOptions) and steps is not None:
            schedule = make_schedule(options, num_sentences(options), steps)
            yield position, schedule.start_step
