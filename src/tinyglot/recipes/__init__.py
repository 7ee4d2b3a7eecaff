"""Recipes: what to do with a model, read from YAML, checked whole, run step by step."""

from tinyglot.recipes.read import builtin_recipes, copy_recipe, read_recipe, recipe_schema
from tinyglot.recipes.finish import run_recipe
from tinyglot.recipes.runner import Run
from tinyglot.recipes.schema import Recipe

__all__ = [
    "Recipe",
    "Run",
    "builtin_recipes",
    "copy_recipe",
    "read_recipe",
    "recipe_schema",
    "run_recipe",
]
