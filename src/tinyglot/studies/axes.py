"""One combination of axis values, set on the base recipe; zero sparsity becomes plain training."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinyglot.methods.registry import METHODS, get_method
from tinyglot.recipes import Recipe
from tinyglot.recipes.mistakes import suggestion
from tinyglot.studies.grid import AxisValue, Grid

Combination = Mapping[str, AxisValue]

DENSE_METHOD = "fine_tuning"
_PRUNING = ("sparsity", "embeddings")
_SECTIONS = ("steps", "evaluate", "export", "measure")
_RECIPE_OPTIONS = frozenset(Recipe.model_fields) - {*_SECTIONS}


@dataclass(frozen=True)
class Combined:
    """The recipe of one combination, before it is checked.

    Attributes:
        content: As a recipe's YAML would hold it.
        dense: The same with nothing pruned, which is what cells of one group share.
        is_dense: Whether nothing is pruned in it.
        method: Name of the method that is studied.
        mistakes: What of the combination has no place in the recipe, a line each.
    """

    content: dict[str, Any]
    dense: dict[str, Any]
    is_dense: bool
    method: str
    mistakes: tuple[str, ...]


def combine(grid: Grid, combination: Combination) -> Combined:
    """Set the values of one combination on the base recipe.

    Each axis sets the option of that name: the recipe's, else that of the one step that has it. A
    step whose ``sparsity`` is 0 becomes plain fine-tuning with the options that both have, unless
    it says ``allow_no_effect``: then it stays, and does nothing by its own code.

    Args:
        grid: Gives the base recipe.
        combination: A value for each axis.

    Returns:
        The recipe, and what could not be set.
    """
    content = copy.deepcopy(grid.recipe)
    steps = [dict(step) for step in content.get("steps") or () if isinstance(step, Mapping)]
    mistakes: list[str] = []
    for axis, value in combination.items():
        if axis == "languages":
            content["languages"] = list((grid.axes.languages or {})[str(value)])
        elif axis == "method":
            mistakes += _set_method(steps, str(value), grid.values()["method"])
        elif axis in _RECIPE_OPTIONS:
            content[axis] = value
    method = _studied(steps)
    for axis, value in combination.items():
        if axis not in _RECIPE_OPTIONS and axis != "method":
            mistakes += _set_option(steps, axis, value, combination)
    dense = {**content, "steps": [_without_pruning(step) for step in steps]}
    is_dense = not any(map(_prunes, steps))
    content = dense if is_dense else {**content, "steps": steps}
    return Combined(content, dense, is_dense, method, tuple(mistakes))


def pruning_axes(grid: Grid) -> frozenset[str]:
    """List the axes that mean nothing where nothing is pruned.

    Args:
        grid: A checked grid.

    Returns:
        Axes that are options of pruning only, and of no other step of the recipe.
    """
    steps = [step for step in grid.recipe.get("steps") or () if isinstance(step, Mapping)]
    names = {str(step.get("method")) for step in steps} | {
        str(name) for name in grid.values().get("method", ())
    }
    options = {name: _options({"method": name}) for name in names}
    pruning = {option for found in options.values() if "sparsity" in found for option in found}
    others = {option for found in options.values() if "sparsity" not in found for option in found}
    shared = others | _options({"method": DENSE_METHOD}) | _RECIPE_OPTIONS
    return frozenset(set(grid.values()) & pruning - shared)


def is_wanted(grid: Grid, combination: Combination) -> bool:
    """Tell whether the grid's restrictions leave a combination in.

    Args:
        grid: Gives ``only``.
        combination: A value for each axis.

    Returns:
        Whether no restriction speaks against it.
    """
    for restriction in grid.only:
        (named, values), *others = restriction.items()
        if combination.get(named) in values and any(
            combination.get(axis) not in allowed for axis, allowed in others
        ):
            return False
    return True


def _set_method(
    steps: list[dict[str, Any]], value: str, values: Sequence[AxisValue]
) -> Iterator[str]:
    """Change the method of the step that has one of the axis' methods."""
    places = [place for place, step in enumerate(steps) if step.get("method") in values]
    if len(places) != 1:
        named = ", ".join(str(step.get("method")) for step in steps) or "none"
        yield f"axes.method: exactly one step must have one of these methods (steps: {named})"
        return
    step = {**steps[places[0]], "method": value}
    steps[places[0]] = _as_dense(step) if value == DENSE_METHOD else step


def _studied(steps: Sequence[Mapping[str, Any]]) -> str:
    pruning = [step for step in steps if "sparsity" in _options(step)]
    named = [str(step.get("method")) for step in pruning or steps]
    return named[-1] if named else "none"


def _set_option(
    steps: list[dict[str, Any]], axis: str, value: AxisValue, combination: Combination
) -> Iterator[str]:
    places = [place for place, step in enumerate(steps) if axis in _options(step)]
    names = ", ".join(str(step.get("method")) for step in steps) or "none"
    if len(places) == 1:
        steps[places[0]][axis] = value
    elif places:
        yield f"axes.{axis}: several steps have this option (steps: {names})"
    elif axis not in _PRUNING or "method" not in combination:
        known = {option for step in steps for option in _options(step)} | _RECIPE_OPTIONS
        near = suggestion(axis, known)
        yield f"axes.{axis}: neither the recipe nor a step has this option{near} (steps: {names})"
    elif combination.get("sparsity"):
        yield (
            f"axes.sparsity: {combination['method']} has no sparsity "
            f"(got {combination['sparsity']}); restrict it with only"
        )


def _options(step: Mapping[str, Any]) -> frozenset[str]:
    name = step.get("method")
    if name not in METHODS:
        return frozenset()
    return frozenset(get_method(str(name)).config_class.model_fields) - {"method"}


def _prunes(step: Mapping[str, Any]) -> bool:
    """Tell whether a step is one that prunes; left out, ``sparsity`` is not 0."""
    if "sparsity" not in _options(step):
        return False
    return step.get("sparsity") != 0 or bool(step.get("allow_no_effect"))


def _without_pruning(step: dict[str, Any]) -> dict[str, Any]:
    return _as_dense(step) if "sparsity" in _options(step) else step


def _as_dense(step: dict[str, Any]) -> dict[str, Any]:
    """Keep of a pruning step what plain training has as well."""
    shared = get_method(DENSE_METHOD).config_class.model_fields
    known = {"sparsity", "embeddings", *_pruning_options(step)}
    kept = {key: value for key, value in step.items() if key in shared or key not in known}
    return {**kept, "method": DENSE_METHOD}


def _pruning_options(step: Mapping[str, Any]) -> frozenset[str]:
    configs = [get_method(name).config_class for name in METHODS]
    pruning = (config.model_fields for config in configs if "sparsity" in config.model_fields)
    return frozenset(option for fields in pruning for option in fields if option in step)
