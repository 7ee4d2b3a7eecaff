"""Recipes: what to do with a model, read from YAML, checked whole, run step by step."""

from tinyglot.recipes.facts import stage_facts
from tinyglot.recipes.finish import run_recipe
from tinyglot.recipes.inputs import check_inputs
from tinyglot.recipes.overrides import Overrides
from tinyglot.recipes.read import (
    builtin_recipes,
    copy_recipe,
    parse_recipe,
    read_recipe,
    recipe_schema,
)
from tinyglot.recipes.run import Run, Shared
from tinyglot.recipes.schema import Recipe
from tinyglot.recipes.show import annotated_yaml

__all__ = [
    "Overrides",
    "Recipe",
    "Run",
    "Shared",
    "annotated_yaml",
    "builtin_recipes",
    "check_inputs",
    "copy_recipe",
    "parse_recipe",
    "read_recipe",
    "recipe_schema",
    "run_recipe",
    "stage_facts",
]
