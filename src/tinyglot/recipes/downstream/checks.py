"""Which stages and tasks a recipe's section ``downstream`` names, and what it lacks."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tinyglot.data.catalogue import catalogue
from tinyglot.data.reading import available_splits
from tinyglot.data.sources import local_path
from tinyglot.data.splits import canonical_split, split_name
from tinyglot.data.synthetic import is_synthetic
from tinyglot.errors import DataNotFoundError, TinyglotError
from tinyglot.languages import LanguageTag
from tinyglot.tasks import get_task

if TYPE_CHECKING:
    from tinyglot.methods.fine_tuning.config import FineTuningConfig
    from tinyglot.recipes.schema import Recipe

SOURCE = "source"
_ORIGINAL = ("original", SOURCE)
_FINAL = "final"
_HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+(@[\w./-]+)?")


def lacking_for_downstream(recipe: "Recipe") -> Iterator[str]:
    """Find what of the section names no stage, no task, or data that are not there.

    Args:
        recipe: A checked recipe.

    Yields:
        A line for each.
    """
    section = recipe.downstream
    if section is None:
        return
    names = stage_names(recipe)
    for wanted in section.stages if section.stages != "all" else ():
        if not _matching(wanted, names):
            yield f"downstream.stages: there is no {wanted}; expected {', '.join(names)}"
    for task, options in section.tasks.items():
        yield from _lacking_for_task(task, options, recipe)
    if section.perplexity is not None:
        yield from _wrong_options("downstream.perplexity", "mlm", section.perplexity)


def stage_names(recipe: "Recipe") -> tuple[str, ...]:
    """List the stages of a recipe: the original, then each step.

    Args:
        recipe: A checked recipe.

    Returns:
        Such as ``source`` and ``01-adaptation``.
    """
    steps = (f"{number:02d}-{step.method}" for number, step in enumerate(recipe.steps, 1))
    return (SOURCE, *steps)


def chosen_stages(recipe: "Recipe") -> tuple[str, ...]:
    """List the stages that are fine-tuned.

    Args:
        recipe: A checked recipe with the section.

    Returns:
        In the order of the recipe.
    """
    names = stage_names(recipe)
    asked = recipe.downstream.stages if recipe.downstream else ()
    if asked == "all":
        return names
    chosen = {name for wanted in asked for name in _matching(wanted, names)}
    return tuple(name for name in names if name in chosen)


def languages_with_data(
    task: str, options: "FineTuningConfig", recipe: "Recipe"
) -> tuple[tuple[LanguageTag, ...], tuple[str, ...]]:
    """Tell which languages a task can be trained and scored in.

    Args:
        task: Its id.
        options: Say where its data are.
        recipe: Says the languages, and the split that is scored.

    Returns:
        The languages, and a sentence for each that is left out.
    """
    if not options.data:
        return (), (f"{task}: no data were given (--data {task}=PATH)",)
    found, left_out = [], []
    split = recipe.downstream.split if recipe.downstream else ""
    for tag in options.languages or recipe.languages:
        missing = _missing(task, options, tag, split)
        if missing:
            left_out.append(f"{task} in {tag}: {missing}")
        else:
            found.append(tag)
    return tuple(found), tuple(left_out)


def _missing(task: str, options: "FineTuningConfig", tag: LanguageTag, split: str) -> str:
    kind = get_task(task, options.task_options).kind
    try:
        there = available_splits(kind, str(options.data), tag)
    except DataNotFoundError:
        if not local_path(str(options.data)).exists():  # a wrong name, not a missing language
            raise
        return "there are no data"
    needed = [canonical_split(split_name(one)) for one in (options.train_split, split)]
    without = [one for one in needed if one not in there]
    return f"there is no split {', '.join(without)}" if without else ""


def _lacking_for_task(task: str, options: "FineTuningConfig", recipe: "Recipe") -> Iterator[str]:
    place = f"downstream.tasks.{task}"
    wrong = list(_wrong_options(place, task, options.task_options))
    yield from wrong
    path = local_path(options.data or ".")
    is_name = is_synthetic(str(path)) or str(path) in catalogue() or _HUB_ID.fullmatch(str(path))
    if not is_name and not path.exists():
        yield f"{place}.data: there is no {path}"
    elif not wrong:
        yield from _not_found(place, task, options, recipe)


def _not_found(
    place: str, task: str, options: "FineTuningConfig", recipe: "Recipe"
) -> Iterator[str]:
    """Look for data that are named and not given by a path now, not after all steps."""
    try:
        languages_with_data(task, options, recipe)
    except DataNotFoundError as error:
        yield f"{place}.data: {error.problem} (got {error.got}; {error.fix})"


def _wrong_options(place: str, task: str, options: object) -> Iterator[str]:
    try:
        get_task(task, options)  # type: ignore[arg-type]  # a mapping of options
    except TinyglotError as error:
        yield f"{place}: {error.problem} (got {error.got}; expected {error.expected})"


def _matching(wanted: str, names: Sequence[str]) -> tuple[str, ...]:
    if wanted in _ORIGINAL:
        return (names[0],)
    if wanted == _FINAL:
        return (names[-1],)
    return tuple(name for name in names if wanted in (name, name.partition("-")[2]))
