"""Steps that the cells of a study begin with alike: done once, gone on from by all of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tinyglot.studies.cell import Cell
from tinyglot.studies.cells import method_versions, public_recipe

_KEY_DIGITS = 16
_NOT_OF_STEPS = ("evaluate", "downstream", "export", "measure", "steps")

Prefixes = Mapping[str, Mapping[int, str]]
"""By the key of a cell and the position of a step: the name of what is done up to there."""


def shared_prefixes(cells: Iterable[Cell]) -> dict[str, dict[int, str]]:
    """Say which first steps are shared by which cells.

    Two cells share their first steps if these, their methods' versions and all of the recipe that
    a step may look at are the same; what is scored afterwards does not count.

    Args:
        cells: Of a grid.

    Returns:
        Of each cell that shares any, the names of its steps that another cell has, too.
    """
    named = {cell.key: list(_names(cell)) for cell in cells}
    counts = Counter(name for names in named.values() for name in names)
    found = {
        key: {position: name for position, name in enumerate(names) if counts[name] > 1}
        for key, names in named.items()
    }
    return {key: names for key, names in found.items() if names}


def first_of_prefix(cells: Iterable[Cell], prefixes: Prefixes) -> dict[str, str]:
    """Say which cell does the steps of each name, so that the others can wait for it.

    Args:
        cells: In the order in which they are run.
        prefixes: As ``shared_prefixes`` gives them.

    Returns:
        Key of a cell by the name of its steps.
    """
    found: dict[str, str] = {}
    for cell in cells:
        for name in prefixes.get(cell.key, {}).values():
            found.setdefault(name, cell.key)
    return found


def prefix_directories(names: Mapping[int, str], shared: Path) -> dict[int, str]:
    """Say where the shared steps of a cell are.

    Args:
        names: By position, as ``shared_prefixes`` gives them.
        shared: What the cells of the study have in common.

    Returns:
        Directory by position.
    """
    return {position: str(shared / "steps" / name) for position, name in names.items()}


def _names(cell: Cell) -> Iterator[str]:
    recipe = public_recipe(cell.recipe)
    about = {name: value for name, value in recipe.items() if name not in _NOT_OF_STEPS}
    versions = method_versions(cell.recipe)
    for number in range(1, len(recipe["steps"]) + 1):
        steps = recipe["steps"][:number]
        used = {step["method"]: versions[step["method"]] for step in steps}
        text = json.dumps([about, steps, used], sort_keys=True, ensure_ascii=False)
        yield hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
