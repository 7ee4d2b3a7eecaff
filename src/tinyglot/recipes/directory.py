"""Whose a run directory is: one recipe's, gone on with by the same, refused to another."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tinyglot.errors import RunDirectoryError
from tinyglot.files import clear_leftovers, write_text
from tinyglot.methods.registry import get_method
from tinyglot.recipes.run import Run
from tinyglot.recipes.show import recipe_yaml
from tinyglot.recipes.yaml_file import read_yaml

RECIPE_FILE = "recipe.yaml"
_OWN = re.compile(r"\.lock|\.recipe\.yaml\.\d+\.tmp")
_ABSENT = "not there"
_MOST_NAMED = 4


def refuse_foreign(directory: Path) -> None:
    """Refuse a directory that holds files but no recipe.

    Args:
        directory: Where a run shall go.

    Raises:
        RunDirectoryError: If it holds files that no run made.
    """
    if not directory.is_dir() or (directory / RECIPE_FILE).exists():
        return
    foreign = sorted(path.name for path in directory.iterdir() if not _OWN.fullmatch(path.name))
    if foreign:
        more = " …" if len(foreign) > _MOST_NAMED else ""
        raise RunDirectoryError(
            "Could not use the output directory: it holds other files.",
            got=f"{directory} with {', '.join(foreign[:_MOST_NAMED])}{more}",
            expected="a new or empty directory, or one that tinyglot began",
            fix="give another --out",
        )


def claim(run: Run) -> None:
    """Note whose directory it is, and clear away what killed processes were writing.

    A directory that another recipe began is taken over while nothing in it cost work: while no
    step is finished and none has files to resume from. So a command that failed can be corrected.

    Args:
        run: Its directory is held by this process.

    Raises:
        RunDirectoryError: If another recipe, or another version of a method, did work in it.
    """
    refuse_foreign(run.directory)
    if not is_claimed(run):
        if _has_work(run.directory):
            raise _another_recipe(run)
        shutil.rmtree(run.directory / "steps", ignore_errors=True)
        write_text(run.directory / RECIPE_FILE, recipe_yaml(run.recipe))
    clear_leftovers(run.directory)
    _check_versions(run)


def is_claimed(run: Run) -> bool:
    """Tell whether a directory is this recipe's already.

    Args:
        run: The run.

    Returns:
        Whether its ``recipe.yaml`` is there and the same.
    """
    path = run.directory / RECIPE_FILE
    return path.exists() and path.read_text(encoding="utf-8") == recipe_yaml(run.recipe)


def _has_work(directory: Path) -> bool:
    if (directory / "final").exists():
        return True
    kept = (*directory.glob("steps/*/record.json"), *directory.glob("steps/*/work/**/*"))
    return any(path.is_file() for path in kept)


def _another_recipe(run: Run) -> RunDirectoryError:
    before = dict(_leaves(read_yaml(run.directory / RECIPE_FILE)))
    now = dict(_leaves(run.recipe.model_dump(mode="json", serialize_as_any=True)))
    pairs = {key: (before.get(key, _ABSENT), now.get(key, _ABSENT)) for key in {**before, **now}}
    values = [f"{key} was {old}, is {new}" for key, (old, new) in pairs.items() if old != new]
    more = f" … and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else ""
    return RunDirectoryError(
        "Could not use the output directory: another recipe did work in it.",
        got=f"{run.directory}: {'; '.join(values[:_MOST_NAMED])}{more}",
        expected="a new directory, or one begun with the same recipe",
        fix="give another --out, or remove the directory",
    )


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401  (any YAML)
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield from _leaves(dict(enumerate(value)), prefix)
    else:
        yield prefix, value


def _check_versions(run: Run) -> None:
    steps = [(record["method"], record["version"]) for record in run.records()]
    changed = [(name, made) for name, made in steps if get_method(name).version != made]
    if changed:
        name, made = changed[0]
        raise RunDirectoryError(
            "Could not go on with the run: a method has changed since its step was finished.",
            got=f"{run.directory} with {name} version {made}",
            expected=f"{name} version {get_method(name).version}",
            fix="give another --out, so that all steps are done anew",
        )
