"""Whom a step learns from: the recipe's model, what an earlier step made, or any checkpoint."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyglot.checkpoints.locate import locate_checkpoint
from tinyglot.recipes.mistakes import suggestion
from tinyglot.recipes.run import Run
from tinyglot.recipes.schema import Recipe

ORIGINAL = "original"
_STEP = "step:"
_PATHS = ("/", "./", "../")  # a hub id looks like a path otherwise


def teacher_of(run: Run, position: int) -> str | None:
    """Say where the teacher of a step is.

    Args:
        run: A checked recipe and its directory; the steps before this one are finished.
        position: Of the step, from 0.

    Returns:
        What ``load_checkpoint`` takes; ``None`` if the step has no teacher.

    Raises:
        ModelNotFoundError: If the recipe's model is not there.
    """
    steps = run.recipe.steps
    named = getattr(steps[position], "teacher", None)
    if named is None:
        return None
    found = _place(named, [step.method for step in steps[:position]])
    if found is None:
        return str(named)
    if found == 0:
        return str(locate_checkpoint(run.recipe.model, run.recipe.revision))
    return str(run.step_directory(found - 1) / "checkpoint")


def is_checkpoint(named: str) -> bool:
    """Tell whether a teacher is named by a place, not by a step.

    Args:
        named: As in a recipe.

    Returns:
        Whether it is a directory, ``bundled:NAME`` or a hub id.
    """
    return _place(named, ()) is None


def wrong_teachers(content: Mapping[Any, Any]) -> Iterator[str]:
    """Find steps that would learn from what no earlier step has made.

    Args:
        content: A recipe as it stands in the file, with or without mistakes.

    Yields:
        A line for each.
    """
    steps = content.get("steps")
    given = list(steps) if isinstance(steps, list | tuple) else []
    names = [step.get("method") if isinstance(step, Mapping) else None for step in given]
    for position, step in enumerate(given):
        named = step.get("teacher") if isinstance(step, Mapping) else None
        earlier = [str(name) for name in names[:position]]
        if isinstance(named, str) and _place(named, earlier) == -1:
            yield (
                f"steps.{position}.{names[position]}.teacher: no earlier step is meant"
                f"{suggestion(named, _choices(earlier))} (got {named!r}, expected one of "
                f"{', '.join(_choices(earlier))}, or a checkpoint)"
            )


def lacking_teachers(recipe: Recipe) -> Iterator[str]:
    """Name the teachers that are given by a path where nothing is.

    Args:
        recipe: A checked recipe.

    Yields:
        A line for each.
    """
    for position, step in enumerate(recipe.steps):
        named = str(getattr(step, "teacher", None) or "")
        if named.startswith(_PATHS) and not Path(named).exists():
            yield f"steps.{position}.{step.method}.teacher: there is no {named}"


def _choices(earlier: Sequence[str]) -> list[str]:
    numbers = [f"{_STEP}{number}" for number in range(len(earlier) + 1)]
    return [ORIGINAL, *(f"{_STEP}{name}" for name in dict.fromkeys(earlier)), *numbers]


def _place(named: str, earlier: Sequence[str]) -> int | None:
    """Count the steps that made a teacher: 0 the recipe's model, -1 none, ``None`` a checkpoint."""
    if named == ORIGINAL:
        return 0
    if not named.startswith(_STEP):
        return None
    step = named.removeprefix(_STEP)
    if step.isdecimal():
        return int(step) if int(step) <= len(earlier) else -1
    return len(earlier) - list(reversed(earlier)).index(step) if step in earlier else -1
