"""Options that set values of a recipe: model, language, text, data, steps, seed."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinyglot.recipes import Overrides

Model = Annotated[
    str | None, typer.Option(help="bundled:NAME, a checkpoint directory, or a hub id")
]
Language = Annotated[list[str] | None, typer.Option(help="tag or code, such as swh-Latn or sw")]
Text = Annotated[
    list[str] | None, typer.Option(help="TAG=PATH, or PATH: a file or directory of raw text")
]
Data = Annotated[
    list[str] | None,
    typer.Option(help="TASK=PATH, labelled data of a downstream task; or PATH, the recipe's own"),
]
Steps = Annotated[
    int | None, typer.Option(min=1, help="optimizer steps of each step that trains on text")
]
Seed = Annotated[int | None, typer.Option(min=0, help="seed of every generator")]


def overrides(
    model: str | None,
    language: list[str] | None,
    text: list[str] | None,
    data: list[str] | None,
    steps: int | None,
    seed: int | None,
) -> "Overrides":
    """Put the options of a command together.

    Args:
        model: As given.
        language: As given.
        text: As given.
        data: As given.
        steps: As given.
        seed: As given.

    Returns:
        What is set in the recipe.
    """
    from tinyglot.recipes import Overrides

    languages, texts, labelled = (tuple(values or ()) for values in (language, text, data))
    return Overrides(model, languages, texts, labelled, steps, seed)
