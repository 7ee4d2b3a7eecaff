"""Everything that is wrong with a grid, said at once, each with its place and a suggestion."""

from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from tinyglot.errors import StudyError
from tinyglot.recipes.mistakes import shortened, suggestion

LISTED, NAMED = "(listed)", "(named)"
"""How values of an axis may be given; no part of a user's file."""

_HIDDEN = ("[key]", LISTED, NAMED)


def grid_error(messages: Iterable[str], file: str | None) -> StudyError:
    """Put mistakes into one error.

    Args:
        messages: A line each; the same one is said once.
        file: The study's file or name; ``None`` if there is none.

    Returns:
        The error to raise.
    """
    lines = list(dict.fromkeys(messages))
    many = f"{len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    name = file or "the study"
    return StudyError(
        f"Could not use {name}: {many}.",
        got="\n".join(lines),
        expected="axes that are options of the recipe or of one of its steps, with values that "
        "these accept",
        fix=f"correct them, then `tinyglot study plan {file or 'FILE'}`",
    )


def describe_grid(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Say what pydantic found, in a grid's words.

    Args:
        error: From checking a grid.
        model: The grid's class, whose keys are suggested.

    Returns:
        A line for each mistake.
    """
    lines = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"] if part not in _HIDDEN)
        if item["type"] == "extra_forbidden":
            text = "unknown key" + suggestion(str(item["loc"][-1]), model.model_fields)
        else:
            text = str(item["msg"]).removeprefix("Value error, ")
        lines.append(f"{place}: {text} (got {shortened(item['input'])})")
    return lines
