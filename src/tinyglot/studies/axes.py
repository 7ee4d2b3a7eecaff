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
_AMOUNTS = ("sparsity", "pruning_ratio")
_SECTIONS = ("steps", "evaluate", "downstream", "export", "measure")
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

    Each axis sets the option of that name: the recipe's, else that of the one step that has it;
    ``pruning_ratio`` that of all steps that have it. A step whose ``sparsity`` is 0 becomes plain
    fine-tuning with the options that both have, unless it says ``allow_no_effect``: then it stays,
    and does nothing by its own code. A step whose ``pruning_ratio`` is 0 becomes plain fine-tuning,
    too, or is left out where it does not train.

    Args:
        grid: Gives the base recipe.
        combination: A value for each axis.

    Returns:
        The recipe, and what could not be set.
    """
    content = copy.deepcopy(grid.recipe)
    steps, mistakes = _with_named_values(grid, combination, content)
    plain = {axis: value for axis, value in combination.items() if axis not in grid.named()}
    for axis, value in plain.items():
        if axis == "languages":
            content["languages"] = list((grid.axes.languages or {})[str(value)])
        elif axis == "method":
            mistakes += _set_method(steps, str(value), grid.values()["method"])
        elif axis in _RECIPE_OPTIONS:
            content[axis] = value
    method = _studied(steps)
    for axis, value in plain.items():
        if axis not in _RECIPE_OPTIONS and axis != "method":
            mistakes += _set_option(steps, axis, value, combination)
    dense = {**content, "steps": [step for one in steps for step in _without_pruning(one)]}
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


def _with_named_values(
    grid: Grid, combination: Combination, content: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Set named values on a copy of the base recipe, other steps first; give steps and mistakes."""
    named = {
        f"{axis}.{combination[axis]}": values[str(combination[axis])]
        for axis, values in grid.named().items()
    }
    for settings in named.values():
        content["steps"] = copy.deepcopy(settings.get("steps", content.get("steps")))
    steps = [dict(step) for step in content.get("steps") or () if isinstance(step, Mapping)]
    mistakes: list[str] = []
    for name, settings in named.items():
        mistakes += _set_named(content, steps, name, settings)
    return steps, mistakes


def _set_named(
    content: dict[str, Any], steps: list[dict[str, Any]], name: str, settings: Mapping[str, Any]
) -> Iterator[str]:
    """Set the options of a named value on the recipe, or on all steps that have them."""
    for option, value in settings.items():
        if option == "steps":
            continue
        if option == "evaluate":
            content["evaluate"] = {**(content.get("evaluate") or {}), **value}
        elif option in _RECIPE_OPTIONS:
            content[option] = value
        elif not _set_everywhere(steps, option, value):
            known = {option for step in steps for option in _options(step)} | _RECIPE_OPTIONS
            near = suggestion(option, known)
            yield f"axes.{name}.{option}: neither the recipe nor a step has this option{near}"


def _set_everywhere(steps: list[dict[str, Any]], option: str, value: Any) -> bool:  # noqa: ANN401
    """Set an option of all steps that have it; tell whether any has."""
    places = [place for place, step in enumerate(steps) if option in _options(step)]
    for place in places:
        steps[place][option] = copy.deepcopy(value)
    return bool(places)


def _studied(steps: Sequence[Mapping[str, Any]]) -> str:
    pruning = [str(step["method"]) for step in steps if "sparsity" in _options(step)]
    removing = [str(step["method"]) for step in steps if "pruning_ratio" in _options(step)]
    others = [str(step.get("method")) for step in steps]
    return (pruning or ["+".join(removing)] if pruning or removing else others or ["none"])[-1]


def _set_option(
    steps: list[dict[str, Any]], axis: str, value: AxisValue, combination: Combination
) -> Iterator[str]:
    places = [place for place, step in enumerate(steps) if axis in _options(step)]
    names = ", ".join(str(step.get("method")) for step in steps) or "none"
    if len(places) == 1 or (places and axis == "pruning_ratio"):
        _set_everywhere(steps, axis, value)
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
    """Tell whether a step is one that prunes; left out, the amount is not 0."""
    amounts = _options(step).intersection(_AMOUNTS)
    if not amounts:
        return False
    return any(step.get(name) != 0 for name in amounts) or bool(step.get("allow_no_effect"))


def _without_pruning(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Give plain training in place of a step that prunes; nothing if that one does not train."""
    if not _options(step).intersection(_AMOUNTS):
        return [step]
    return [_as_dense(step)] if trains(step) else []


def trains(step: Mapping[str, Any]) -> bool:
    """Tell whether a step that prunes also trains.

    Args:
        step: As a recipe's YAML holds it.

    Returns:
        Whether it does, by its ``recovery`` if it has that option.
    """
    return "recovery" not in _options(step) or step.get("recovery") == "train"


def _as_dense(step: dict[str, Any]) -> dict[str, Any]:
    """Keep of a pruning step what plain training has as well."""
    shared = get_method(DENSE_METHOD).config_class.model_fields
    known = {*_AMOUNTS, "embeddings", *_pruning_options(step)}
    kept = {key: value for key, value in step.items() if key in shared or key not in known}
    return {**kept, "method": DENSE_METHOD}


def _pruning_options(step: Mapping[str, Any]) -> frozenset[str]:
    configs = [get_method(name).config_class for name in METHODS]
    pruning = (
        config.model_fields for config in configs if set(config.model_fields).intersection(_AMOUNTS)
    )
    return frozenset(option for fields in pruning for option in fields if option in step)
