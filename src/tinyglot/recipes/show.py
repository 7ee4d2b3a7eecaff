"""A recipe written out: every value, and where it came from."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from yaml import safe_dump

from tinyglot.recipes.schema import Recipe

_DEFAULT = "  # default"
_WIDTH = 1000  # no value is folded


def recipe_yaml(recipe: Recipe) -> str:
    """Write a recipe out with every default filled in.

    Args:
        recipe: A checked recipe.

    Returns:
        YAML that reads back as the same recipe.
    """
    return _yaml(recipe.model_dump(mode="json", serialize_as_any=True))


def annotated_yaml(recipe: Recipe) -> list[str]:
    """Write a recipe out, the values that nobody gave marked as defaults.

    Args:
        recipe: A checked recipe.

    Returns:
        Lines of YAML that reads back as the same recipe.
    """
    return list(_lines(recipe))


def _lines(model: BaseModel) -> Iterator[str]:
    # what kind of step it is comes first
    for key in sorted(type(model).model_fields, key=lambda key: key != "method"):
        value = getattr(model, key)
        if isinstance(value, BaseModel):
            yield f"{key}:{'' if key in model.model_fields_set else _DEFAULT}"
            yield from (f"  {line}" for line in _lines(value))
        elif _holds_models(value):
            yield f"{key}:"
            for item in value:
                yield from _as_item(list(_lines(item)))
        else:
            yield from _entry(model, key)


def _holds_models(value: Any) -> bool:  # noqa: ANN401  (any field)
    return isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value)


def _entry(model: BaseModel, key: str) -> list[str]:
    # an option at a default that is left out of what is saved is shown all the same
    content = {key: getattr(model, key), **model.model_dump(mode="json", include={key})}
    lines = _yaml(content).splitlines()
    if key not in model.model_fields_set:
        lines[0] += _DEFAULT
    return lines


def _as_item(lines: list[str]) -> list[str]:
    return [("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]


def _yaml(value: Any) -> str:  # noqa: ANN401  (any JSON value)
    return str(safe_dump(value, sort_keys=False, allow_unicode=True, width=_WIDTH))
