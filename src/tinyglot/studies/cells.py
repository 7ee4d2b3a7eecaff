"""The cells of a grid: a recipe each, with the place in the grid and a name that is its content."""

import hashlib
import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinyglot.errors import RecipeError
from tinyglot.methods.registry import get_method
from tinyglot.recipes import Recipe, parse_recipe
from tinyglot.recipes.mistakes import suggestion
from tinyglot.studies.axes import Combination, Combined, combine, is_wanted, pruning_axes
from tinyglot.studies.cell import Cell
from tinyglot.studies.grid import AnyGrid, AxisValue, Grid
from tinyglot.studies.mistakes import grid_error
from tinyglot.studies.names import public_content, public_name, without_places
from tinyglot.studies.rows import COORDINATES, MONOLINGUAL, MULTILINGUAL, SCHEMA
from tinyglot.studies.shapes.cells import expand_shapes
from tinyglot.studies.shapes.grid import ShapeGrid

_KEY_DIGITS = 16


def expand(grid: AnyGrid) -> list[Cell]:
    """List the cells of a grid; combinations that come to the same recipe are one cell.

    Args:
        grid: A checked grid.

    Returns:
        Cells, seed by seed, those of one group together, the dense one first.

    Raises:
        StudyError: If axes contradict each other or the recipe; lists everything that is wrong.
    """
    if isinstance(grid, ShapeGrid):
        return expand_shapes(grid)
    mistakes = [
        *_wrong_sets(grid),
        *_wrong_restrictions(grid),
        *_wrong_names(grid),
        *_wrong_axes(grid),
    ]
    found: dict[str, Cell] = {}
    options: dict[str, Combination] = {}
    recipes: list[Recipe] = []
    for combination in _combinations(grid):
        if is_wanted(grid, combination):
            combined = combine(grid, combination)
            mistakes += combined.mistakes
            try:
                cell = _cell(grid, combination, combined)
            except RecipeError as error:
                mistakes += [f"recipe.{line}" for line in error.got.splitlines()]
            else:
                recipes.append(cell.recipe)
                found.setdefault(cell.key, cell)
                options.setdefault(cell.key, combination)
    mistakes += dict.fromkeys(_wrong_teachers(recipes))
    if not found and not mistakes:
        mistakes.append("only: leaves no cell")
    if mistakes:
        raise grid_error(mistakes, grid.name)
    return _in_order(_told_apart(list(found.values()), options, pruning_axes(grid)))


def method_versions(recipe: Recipe) -> dict[str, int]:
    """List the versions of a recipe's methods.

    Args:
        recipe: A checked recipe.

    Returns:
        Version by method.
    """
    return {step.method: get_method(step.method).version for step in recipe.steps}


def key_of(recipe: Recipe) -> str:
    """Name a recipe by its content, wherever its data and its model lie.

    Args:
        recipe: A checked recipe.

    Returns:
        16 hex digits. Options that are off or not set do not count, so that a new option of a
        method, off by default, changes no key.
    """
    content = {"recipe": public_recipe(recipe), "methods": method_versions(recipe)}
    text = json.dumps(_set_only(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def public_recipe(recipe: Recipe) -> dict[str, Any]:
    """Write a recipe as JSON values without the place of its data or its model.

    Args:
        recipe: A checked recipe.

    Returns:
        Every option, as resolved.
    """
    return public_content(recipe.model_dump(mode="json", serialize_as_any=True))


def _set_only(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    if isinstance(value, Mapping):
        kept = {key: _set_only(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not _is_off(item)}
    return [_set_only(item) for item in value] if isinstance(value, list | tuple) else value


def _is_off(value: Any) -> bool:  # noqa: ANN401  (any JSON value)
    return value is None or value is False or value in ("", [], {})


# --- one cell -----------------------------------------------------------------------------------


def _combinations(grid: Grid) -> Iterator[dict[str, AxisValue]]:
    axes = grid.values()
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _cell(grid: Grid, combination: Combination, combined: Combined) -> Cell:
    recipe = parse_recipe(combined.content)
    key = key_of(recipe)
    further = _further(grid, combination)
    coordinates = _coordinates(recipe, combination, combined) | further
    group = key if combined.is_dense else key_of(parse_recipe(combined.dense))
    return Cell(grid.name, key, coordinates, recipe, group)


def _coordinates(recipe: Recipe, combination: Combination, combined: Combined) -> dict[str, Any]:
    pruning = [step for step in recipe.steps if hasattr(step, "sparsity")]
    sparse = None if combined.is_dense or not pruning else pruning[-1]
    several = len(recipe.languages) > 1
    usual = MULTILINGUAL if several else "".join(recipe.languages)
    values = {
        "model": public_name(recipe.model),
        "method": combined.method,
        "setting": MULTILINGUAL if several else MONOLINGUAL,
        "languages": str(combination.get("languages", usual)),
        "sparsity": float(getattr(sparse, "sparsity", 0.0)),
        "embeddings": getattr(sparse, "embeddings", None),
        "seed": recipe.seed,
    }
    return {name: values[name] for name in COORDINATES}


def _further(grid: Grid, combination: Combination) -> dict[str, Any]:
    """Give the coordinates that only this grid has: named values, and the share of units."""
    named = {axis: str(combination[axis]) for axis in grid.named()}
    if "pruning_ratio" not in combination:
        return named
    ratio = combination["pruning_ratio"]
    return {**named, "pruning_ratio": float(ratio) if isinstance(ratio, int | float) else 0.0}


def _told_apart(
    cells: list[Cell], options: Mapping[str, Combination], of_pruning: Collection[str]
) -> list[Cell]:
    """Name further axes beside the method, in every cell, where coordinates alone are the same.

    A dense cell stands for all values of the axes of pruning, so it names none of these.
    """
    alike: dict[str, list[Combination]] = {}
    for cell in cells:
        alike.setdefault(json.dumps(cell.coordinates), []).append(options[cell.key])
    differing = {
        axis
        for group in alike.values()
        for axis, value in group[0].items()
        if any(other[axis] != value for other in group)
    }
    shared = differing.difference(of_pruning)
    return [
        _named(cell, options[cell.key], shared if cell.is_dense else differing) for cell in cells
    ]


def _named(cell: Cell, combination: Combination, axes: Collection[str]) -> Cell:
    further = [f"{axis}={value}" for axis, value in combination.items() if axis in axes]
    method = " ".join([cell.coordinates["method"], *further])
    return replace(cell, coordinates={**cell.coordinates, "method": method})


def _in_order(cells: Sequence[Cell]) -> list[Cell]:
    groups = list(dict.fromkeys(cell.group for cell in cells))
    return sorted(
        cells,
        key=lambda cell: (
            cell.coordinates["seed"],
            groups.index(cell.group),
            not cell.is_dense,
            cell.coordinates["sparsity"],
        ),
    )


# --- mistakes -----------------------------------------------------------------------------------


def _wrong_sets(grid: Grid) -> Iterator[str]:
    """Find sets that hold the same; the order is part of a key, but two orders are no axis."""
    sets = grid.axes.languages or {}
    names: dict[tuple[str, ...], str] = {}
    for name, tags in sets.items():
        earlier = names.setdefault(tuple(sorted(tags)), name)
        if earlier != name:
            order = "" if sets[earlier] == tags else ", in another order"
            yield f"axes.languages.{name}: the same languages as {earlier}{order}"


def _wrong_names(grid: Grid) -> Iterator[str]:
    """Find models or data that would be filed under one name."""
    for axis in ("model", "data"):
        names: dict[str, str] = {}
        for value in map(str, grid.values().get(axis, ())):
            earlier = names.setdefault(public_name(value), value)
            if earlier != value:
                yield f"axes.{axis}: {value} has the same name as {earlier}"


def _wrong_teachers(recipes: Iterable[Recipe]) -> Iterator[str]:
    """Find teachers whose steps would be shared, or filed, under one name."""
    names: dict[str, str] = {}
    for step in (step for recipe in recipes for step in recipe.steps):
        teacher = getattr(step, "teacher", None)
        earlier = names.setdefault(without_places(teacher), teacher) if teacher else teacher
        if earlier != teacher:
            yield f"{step.method}.teacher: {teacher} has the same name as {earlier}"


def _wrong_axes(grid: Grid) -> Iterator[str]:
    """Find axes of named values whose name is a column of every study."""
    for axis in grid.named():
        if axis in SCHEMA:
            yield f"axes.{axis}: the name of a column; give these values another one"


def _wrong_restrictions(grid: Grid) -> Iterator[str]:
    axes = grid.values()
    for position, restriction in enumerate(grid.only):
        for axis, values in restriction.items():
            if axis not in axes:
                yield f"only.{position}.{axis}: no such axis{suggestion(axis, axes)}"
                continue
            unknown = [value for value in values if value not in axes[axis]]
            yield from (f"only.{position}.{axis}: {value} is not on the axis" for value in unknown)
