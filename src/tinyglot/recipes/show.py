"""A recipe written out: every value, and where it came from."""

from pydantic import BaseModel
from yaml import safe_dump

from tinyglot.recipes.schema import Recipe

_DEFAULT = "  # default"


def recipe_yaml(recipe: Recipe) -> str:
    """Write a recipe out with every default filled in.

    Args:
        recipe: A checked recipe.

    Returns:
        YAML that reads back as the same recipe.
    """
    content = recipe.model_dump(mode="json", serialize_as_any=True)
    return str(safe_dump(content, sort_keys=False, allow_unicode=True))


def annotated_yaml(recipe: Recipe) -> list[str]:
    """Write a recipe out, the values that nobody gave marked as defaults.

    Args:
        recipe: A checked recipe.

    Returns:
        Lines of YAML that reads back as the same recipe.
    """
    lines: list[str] = []
    for key in type(recipe).model_fields:
        if key == "steps" and recipe.steps:
            lines.append("steps:")
            for step in recipe.steps:
                lines += _as_item([line for field in _fields(step) for line in _entry(step, field)])
        else:
            lines += _entry(recipe, key)
    return lines


def _fields(step: BaseModel) -> list[str]:
    return list(type(step).model_fields)


def _entry(model: BaseModel, key: str) -> list[str]:
    value = model.model_dump(mode="json", include={key}, serialize_as_any=True)
    lines: list[str] = safe_dump(value, sort_keys=False, allow_unicode=True).splitlines()
    if key not in model.model_fields_set:
        lines[0] += _DEFAULT
    return lines


def _as_item(lines: list[str]) -> list[str]:
    return [("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]
