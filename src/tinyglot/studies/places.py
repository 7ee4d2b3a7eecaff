"""Where the data and the text of a study lie on this machine, which changes no key."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyglot.data.catalogue import catalogue
from tinyglot.data.sources import local_path
from tinyglot.data.synthetic import is_synthetic
from tinyglot.errors import StudyError
from tinyglot.recipes import Recipe, parse_recipe
from tinyglot.recipes.inputs import text_by_language
from tinyglot.recipes.teachers import is_checkpoint
from tinyglot.studies.cell import Cell
from tinyglot.studies.cells import public_recipe
from tinyglot.studies.names import public_name

Places = Mapping[str, str]
"""Source by public name."""


def data_names(cells: Iterable[Cell]) -> list[str]:
    """List the data of a study, and its text.

    Args:
        cells: Of the study.

    Returns:
        Public names.
    """
    recipes = [public_recipe(cell.recipe) for cell in cells]
    parts = (part for recipe in recipes for part in _parts(recipe))
    texts = (path for recipe in recipes for paths in recipe["text"].values() for path in paths)
    named = {public_name(path) for path in texts if not is_synthetic(path)}
    return sorted(named | {part["data"] for part in parts if part.get("data")})


def places_of(values: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Say which data lie where.

    Args:
        values: ``NAME=PATH``, or a plain path for a study that has one set of data.
        names: Public names of the study's data.

    Returns:
        Source by name, with paths that do not depend on the working directory.

    Raises:
        StudyError: If a value names data that the study does not have, is not clear, or is not
            there; all of them are listed.
    """
    found: dict[str, str] = {}
    mistakes = []
    for value in values:
        name, path = _split(value, names)
        if name not in names:
            mistakes.append(f"{value}: the study has no such data")
        elif not Path(path).exists():
            mistakes.append(f"{value}: there is no {path}")
        else:
            there = str(Path(path).resolve())
            found[name] = f"{name}={there}" if name in catalogue() else there
    if mistakes:
        raise StudyError(
            "Could not use --data.",
            got="\n".join(mistakes),
            expected=f"NAME=PATH for {', '.join(names) or 'nothing: the study has no data'}",
            fix=f"--data {names[0] if names else 'NAME'}=PATH",
        )
    return found


def placed(recipe: Recipe, places: Places) -> Recipe:
    """Put the place of the data, of a model and of teachers in directories, into a recipe.

    Args:
        recipe: Of a cell.
        places: Source by public name; what is not named stays as it is.

    Returns:
        A recipe that works in another process, whatever its working directory is.
    """
    content: dict[str, Any] = recipe.model_dump(mode="json", serialize_as_any=True)
    for part, public in zip(_parts(content), _parts(public_recipe(recipe)), strict=True):
        if part.get("data"):
            part["data"] = places.get(public["data"], _absolute(part["data"]))
    content["text"] = {
        tag: [_placed_text(path, tag, places) for path in paths]
        for tag, paths in content["text"].items()
    }
    content["model"] = _absolute(content["model"])
    for step in content["steps"]:
        if step.get("teacher") and is_checkpoint(step["teacher"]):
            step["teacher"] = _absolute(step["teacher"])
    return parse_recipe(content)


def _placed_text(path: str, tag: str, places: Places) -> str:
    """Give the folder or file of a language where a directory of several was named."""
    there = places.get(public_name(path))
    return _absolute(path) if there is None else text_by_language([there], [tag])[tag][0]


def is_here(recipe: Recipe) -> bool:
    """Tell whether all data of a recipe lie on this machine, so that they can be counted."""
    parts = _parts(recipe.model_dump(mode="json", serialize_as_any=True))
    sources = [part["data"] for part in parts if part.get("data")]
    return all(is_synthetic(source) or local_path(source).exists() for source in sources)


def _split(value: str, names: Sequence[str]) -> tuple[str, str]:
    name, separator, path = value.partition("=")
    if separator and not Path(value).exists():
        return name, path
    return (names[0] if len(names) == 1 else "", value)


def _parts(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [content, *content["steps"]]


def _absolute(source: str) -> str:
    return str(Path(source).resolve()) if Path(source).exists() else source
