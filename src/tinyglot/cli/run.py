"""`tinyglot run`: do what a recipe says."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell
from tinyglot.cli.overrides import Data, Language, Model, Seed, Steps, Text, overrides

EPILOG = (
    "Examples:\n\n"
    "tinyglot run recipe.yaml --out runs/mine\n\n"
    "tinyglot run extreme --model bundled:multilingual-e5-small --language sw --text swahili.txt "
    "--data topic=DIR --steps 2000 --out runs/sw"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("run", epilog=EPILOG)(run)


def run(  # noqa: PLR0913  (one parameter an option)
    recipe: Annotated[str, typer.Argument(help="a YAML file, or the name of a built-in recipe")],
    out: Annotated[Path, typer.Option(help="run directory; goes on where it stopped")],
    model: Model = None,
    language: Language = None,
    text: Text = None,
    data: Data = None,
    steps: Steps = None,
    seed: Seed = None,
    json: Annotated[bool, typer.Option("--json", help="print the stages as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Run a recipe step by step; killed at any point, the same command goes on."""
    from tinyglot.recipes import read_recipe, run_recipe, stage_facts
    from tinyglot.reports import print_stages

    quiet_libraries()
    given = overrides(model, language, text, data, steps, seed)
    finished = run_recipe(read_recipe(recipe, given), out, tell)
    if json:
        print_json(stage_facts(finished))
    else:
        print_stages(stage_facts(finished), finished.rows())
        tell(f"wrote {finished.directory}")
