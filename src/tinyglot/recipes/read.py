"""From YAML to a checked recipe: every mistake at once, with a suggestion."""

import difflib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tinyglot.errors import DataNotFoundError, RecipeError, UnknownMethodError
from tinyglot.files import write_text
from tinyglot.methods.registry import METHODS, get_method
from tinyglot.recipes.schema import Recipe, recipe_class


def read_recipe(source: str | Path) -> Recipe:
    """Read a recipe by file or by the name of a built-in one.

    Args:
        source: A YAML file, or a name that ``tinyglot ls recipes`` lists.

    Returns:
        The recipe with all defaults filled in.

    Raises:
        DataNotFoundError: If there is neither such a file nor such a name.
        RecipeError: If it has mistakes; lists all of them.
    """
    path = recipe_path(source)
    return parse_recipe(_read_yaml(path), path.name)


def recipe_path(source: str | Path) -> Path:
    """Find a recipe's file.

    Args:
        source: A YAML file, or the name of a built-in recipe.

    Returns:
        The path of the file.

    Raises:
        DataNotFoundError: If there is neither.
    """
    if Path(source).is_file():
        return Path(source)
    known = builtin_recipes()
    if str(source) in known:
        return known[str(source)]
    near = difflib.get_close_matches(str(source), known, n=1)
    raise DataNotFoundError(
        "Could not find the recipe.",
        got=source,
        expected=f"a YAML file, or one of: {', '.join(known)}",
        fix=f"did you mean {near[0]!r}?" if near else "see `tinyglot ls recipes`",
    )


def builtin_recipes() -> dict[str, Path]:
    """List the recipes that come with tinyglot.

    Returns:
        File by name.
    """
    folder = Path(str(resources.files("tinyglot.recipes"))) / "builtin"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def copy_recipe(name: str, target: Path) -> None:
    """Hand over a built-in recipe as a file to edit.

    Args:
        name: Of a built-in recipe.
        target: A file that is not there yet.

    Raises:
        DataNotFoundError: If there is no such recipe.
        RecipeError: If the target exists.
    """
    if target.exists():
        raise RecipeError(
            "Could not copy the recipe: the file exists.",
            got=target,
            expected="a new file",
            fix="give another name, or remove it",
        )
    write_text(target, recipe_path(name).read_text(encoding="utf-8"))


def recipe_schema() -> dict[str, Any]:
    """Describe recipes as JSON schema, methods included.

    Returns:
        The schema.
    """
    return recipe_class().model_json_schema()


def _read_yaml(path: Path) -> Any:  # noqa: ANN401  (any YAML)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"Could not read {path.name}: not a YAML file in UTF-8.",
            got=str(error),
            expected="a mapping with the keys of `tinyglot recipe schema`",
            fix=f"edit the file, then `tinyglot recipe validate {path.name}`",
        ) from error


def parse_recipe(content: Any, name: str = "recipe") -> Recipe:  # noqa: ANN401  (any YAML)
    """Check a recipe given as a mapping.

    Args:
        content: What the YAML holds.
        name: For messages.

    Returns:
        The recipe with all defaults filled in.

    Raises:
        RecipeError: If it has mistakes; lists all of them.
    """
    if not isinstance(content, Mapping):
        raise _mistakes(name, [f"the file holds no mapping (got {type(content).__name__})"])
    try:
        recipe = recipe_class().model_validate(content)
    except ValidationError as error:
        raise _mistakes(name, list(_messages(error, recipe_class()))) from error
    wrong_order = list(_wrong_order([step.method for step in recipe.steps]))
    if wrong_order:
        raise _mistakes(name, wrong_order)
    return recipe


def _mistakes(name: str, messages: list[str]) -> RecipeError:
    return RecipeError(
        f"Could not read {name}: {len(messages)} mistake(s).",
        got="\n".join(messages),
        expected="keys listed by `tinyglot recipe schema`",
        fix=f"edit the file, then `tinyglot recipe validate {name}`",
    )


def _messages(error: ValidationError, model: type[BaseModel]) -> Iterable[str]:
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text = "unknown key" + _suggestion(str(item["loc"][-1]), _keys_at(item["loc"], model))
        if item["type"] == "union_tag_invalid":
            given = str(item["ctx"]["tag"])
            text = f"unknown method {given!r}" + _suggestion(given, METHODS)
        yield f"{place}: {text} (got {_short(item['input'])})"


def _suggestion(word: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(choices), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _keys_at(location: tuple[int | str, ...], model: type[BaseModel]) -> Iterable[str]:
    if location[0] == "steps" and len(location) > 2:
        try:
            return get_method(str(location[2])).config_class.model_fields
        except UnknownMethodError:
            return METHODS
    section = model.model_fields.get(str(location[0]))
    if len(location) > 1 and section is not None:
        for candidate in getattr(section.annotation, "__args__", ()):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                return candidate.model_fields
    return model.model_fields


def _short(value: Any) -> str:  # noqa: ANN401  (any YAML)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _wrong_order(names: list[str]) -> Iterable[str]:
    for position, name in enumerate(names):
        for later in get_method(name).must_precede:
            if later in names[:position]:
                yield f"steps.{position}.{name}: must come before {later}"
