"""From a file, or from options, to a checked recipe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinyglot.errors import RecipeError
from tinyglot.files import write_text
from tinyglot.recipes.mistakes import describe, recipe_error, wrong_order
from tinyglot.recipes.overrides import Overrides, override
from tinyglot.recipes.schema import Recipe, recipe_class
from tinyglot.recipes.teachers import wrong_teachers
from tinyglot.recipes.yaml_file import builtin_files, find_file, read_yaml


def read_recipe(source: str | Path, overrides: Overrides | None = None) -> Recipe:
    """Read a recipe by file or by the name of a built-in one.

    Args:
        source: A YAML file, or a name that ``tinyglot ls recipes`` lists.
        overrides: What a command gives in place of the recipe's values.

    Returns:
        The recipe with all defaults filled in.

    Raises:
        DataNotFoundError: If there is neither such a file nor such a name.
        RecipeError: If it or the overrides have mistakes; lists all of them.
    """
    content = read_yaml(recipe_path(source))
    mistakes: list[str] = []
    if overrides is not None and isinstance(content, Mapping):
        content, mistakes = override(content, overrides)
    return parse_recipe(content, str(source), mistakes)


def recipe_path(source: str | Path) -> Path:
    """Find a recipe's file.

    Args:
        source: A YAML file, or the name of a built-in recipe.

    Returns:
        The path of the file.

    Raises:
        DataNotFoundError: If there is neither.
    """
    return find_file(source, builtin_recipes(), "recipe", "see `tinyglot ls recipes`")


def builtin_recipes() -> dict[str, Path]:
    """List the recipes that come with tinyglot.

    Returns:
        File by name.
    """
    return builtin_files("tinyglot.recipes")


def copy_recipe(name: str, target: Path) -> None:
    """Hand over a built-in recipe as a file to edit.

    Args:
        name: Of a built-in recipe.
        target: A file that is not there yet.

    Raises:
        DataNotFoundError: If there is no such recipe.
        RecipeError: If the target exists.
    """
    text = recipe_path(name).read_text(encoding="utf-8")
    if target.exists():
        raise RecipeError(
            "Could not copy the recipe: there is something in its place.",
            got=target,
            expected="a new file",
            fix="give another name, or remove it",
        )
    write_text(target, text)


def recipe_schema() -> dict[str, Any]:
    """Describe recipes as JSON schema, methods included.

    Returns:
        The schema.
    """
    return recipe_class().model_json_schema()


def parse_recipe(
    content: Any,  # noqa: ANN401  (any YAML)
    file: str | None = None,
    mistakes: Sequence[str] = (),
) -> Recipe:
    """Check a recipe given as a mapping.

    Args:
        content: What the YAML holds.
        file: Where it stands, for messages; ``None`` if it was put together from options.
        mistakes: What is known to be wrong already, a line each.

    Returns:
        The recipe with all defaults filled in.

    Raises:
        RecipeError: If it has mistakes; lists all of them.
    """
    if not isinstance(content, Mapping):
        found = "nothing" if content is None else type(content).__name__
        raise recipe_error([f"a recipe is a mapping, but the file holds {found}"], file)
    messages = [*mistakes, *wrong_order(content), *wrong_teachers(content)]
    try:
        recipe = recipe_class().model_validate(content)
    except ValidationError as error:
        messages = describe(error, recipe_class()) + messages
        raise recipe_error(messages, file) from error
    if messages:
        raise recipe_error(messages, file)
    return recipe
