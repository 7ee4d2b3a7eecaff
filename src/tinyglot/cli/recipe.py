"""`tinyglot recipe`: validate, show, schema, copy."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, print_lines, tell
from tinyglot.cli.overrides import Data, Language, Model, Seed, Steps, Text, overrides

EXAMPLES = {
    "validate": "tinyglot recipe validate mine.yaml",
    "show": "tinyglot recipe show demo --seed 1",
    "schema": "tinyglot recipe schema",
    "copy": "tinyglot recipe copy demo mine.yaml",
}
Source = Annotated[str, typer.Argument(help="a YAML file, or the name of a built-in recipe")]


def register(app: typer.Typer) -> None:
    """Add the commands.

    Args:
        app: The program.
    """
    group = typer.Typer(
        no_args_is_help=True,
        help="Check, show and copy recipes.",
        epilog="\n\n".join(["Examples:", *EXAMPLES.values()]),
    )
    for command in (validate, show, schema, copy):
        name = command.__name__
        group.command(name, epilog=f"Examples:\n\n{EXAMPLES[name]}")(command)
    app.add_typer(group, name="recipe")


def validate(  # noqa: PLR0913  (one parameter an option)
    recipe: Source,
    model: Model = None,
    language: Language = None,
    text: Text = None,
    data: Data = None,
    steps: Steps = None,
    seed: Seed = None,
) -> None:
    """Check keys, values, step order and inputs: what `run` checks before it loads weights."""
    from tinyglot.recipes import check_inputs, read_recipe

    given = overrides(model, language, text, data, steps, seed)
    checked = read_recipe(recipe, given)
    check_inputs(checked)
    tell(f"{recipe}: valid, {len(checked.steps)} step(s)")


def show(  # noqa: PLR0913  (one parameter an option)
    recipe: Source,
    model: Model = None,
    language: Language = None,
    text: Text = None,
    data: Data = None,
    steps: Steps = None,
    seed: Seed = None,
) -> None:
    """Print the recipe with every default filled in, and where each value came from."""
    from tinyglot.recipes import annotated_yaml, read_recipe

    given = overrides(model, language, text, data, steps, seed)
    print_lines(annotated_yaml(read_recipe(recipe, given)))


def schema() -> None:
    """Print the JSON schema of recipes, the methods' options included."""
    from tinyglot.recipes import recipe_schema

    print_json(recipe_schema())


def copy(
    name: Annotated[str, typer.Argument(help="of a built-in recipe")],
    target: Annotated[Path, typer.Argument(help="a new file")],
) -> None:
    """Hand over a built-in recipe as a file to edit."""
    from tinyglot.recipes import copy_recipe

    copy_recipe(name, target)
    tell(f"wrote {target}")
