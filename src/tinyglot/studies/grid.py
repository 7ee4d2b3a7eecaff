"""What a study may say: a base recipe, axes, and which of their combinations are wanted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from tinyglot.errors import RecipeError, StudyError
from tinyglot.files import write_text
from tinyglot.languages import LanguageCodes
from tinyglot.recipes.yaml_file import builtin_files, find_file, read_yaml
from tinyglot.studies.mistakes import LISTED, NAMED, describe_grid, grid_error
from tinyglot.studies.shapes.grid import ShapeGrid

AxisValue = str | int | float | bool | None


def _each_once(values: Sequence[AxisValue]) -> Sequence[AxisValue]:
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    if twice:
        raise ValueError(f"given more than once: {', '.join(map(str, twice))}")
    return values


Values = Annotated[tuple[AxisValue, ...], Field(min_length=1), AfterValidator(_each_once)]


def _named(values: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    wrong = [name for name in values if not name or "=" in name]
    if wrong:
        raise ValueError(f"no name of a value: {wrong[0]!r}")
    return values


Named = Annotated[dict[str, dict[str, Any]], Field(min_length=1), AfterValidator(_named)]
"""Values with a name, each of which sets several options at once."""


def _kind(values: Any) -> str:  # noqa: ANN401  (any YAML)
    return NAMED if isinstance(values, Mapping) else LISTED


AnyValues = Annotated[
    Annotated[Values, Tag(LISTED)] | Annotated[Named, Tag(NAMED)], Discriminator(_kind)
]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Measured(_Settings):
    """How long training takes, measured before the study has run."""

    seconds_per_step: float = Field(gt=0, description="of a cell, all its work included")
    machine: str = Field(description="what it was measured on")


class Axes(BaseModel):
    """What varies: any option of the recipe or of a step, sets of languages, and named values.

    An axis of named values has a name of its own, such as ``algorithm``; each value sets options
    of the recipe (of ``evaluate``, those that it names) or of all steps that have them.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    __pydantic_extra__: dict[str, AnyValues] = Field(init=False)

    languages: dict[str, Annotated[LanguageCodes, Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        description="training languages by the name of the set; default: the recipe's",
    )


class Grid(_Settings):
    """A base recipe and axes; every combination of the axes' values is a cell."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="short name of the study")
    description: str = Field(default="", description="what the study asks")
    recipe: dict[str, Any] = Field(description="a recipe; axes set single values of it")
    axes: Axes = Field(default_factory=Axes, description="lists of values by option")
    only: tuple[Annotated[dict[str, Values], Field(min_length=2)], ...] = Field(
        default=(),
        description="the named values of the entry's first axis are combined with these values "
        "of its other axes only",
    )
    measured: Measured | None = Field(default=None, description="for hours before any cell ran")

    def values(self) -> dict[str, tuple[AxisValue, ...]]:
        """List the axes.

        Returns:
            Values by axis; of languages, the names of the sets.
        """
        sets: tuple[AxisValue, ...] = tuple(self.axes.languages or ())
        others = {axis: tuple(values) for axis, values in (self.axes.model_extra or {}).items()}
        return {**({"languages": sets} if sets else {}), **others}

    def named(self) -> dict[str, dict[str, dict[str, Any]]]:
        """List the axes of named values.

        Returns:
            Settings by axis and name.
        """
        extra = self.axes.model_extra or {}
        return {axis: dict(values) for axis, values in extra.items() if isinstance(values, dict)}


AnyGrid = Grid | ShapeGrid
"""A study of trainings, or one of shapes."""


def builtin_studies() -> dict[str, Path]:
    """List the studies that come with tinyglot.

    Returns:
        File by name.
    """
    return builtin_files("tinyglot.studies")


def grid_path(source: str | Path) -> Path:
    """Find a study's file.

    Args:
        source: A YAML file, or the name of a built-in study.

    Returns:
        The path of the file.

    Raises:
        DataNotFoundError: If there is neither.
    """
    return find_file(source, builtin_studies(), "study", "tinyglot study copy NAME mine.yaml")


def read_grid(source: str | Path) -> AnyGrid:
    """Read a study's grid by file or by the name of a built-in one.

    Args:
        source: A YAML file, or the name of a built-in study.

    Returns:
        The grid; its cells are not looked at yet.

    Raises:
        DataNotFoundError: If there is neither such a file nor such a name.
        StudyError: If it has mistakes; lists all of them.
    """
    path = grid_path(source)
    try:
        return parse_grid(read_yaml(path), file=str(source))
    except RecipeError as error:
        raise StudyError(
            error.problem,
            got=error.got,
            expected="a mapping with name, recipe and axes",
            fix=f"edit the file, then `tinyglot study plan {source}`",
        ) from error


def parse_grid(content: Any, file: str | None = None) -> AnyGrid:  # noqa: ANN401  (any YAML)
    """Check a grid given as a mapping; one with ``cuts`` is of shapes.

    Args:
        content: What the YAML holds.
        file: Where it stands, for messages.

    Returns:
        The grid; its cells are not looked at yet.

    Raises:
        StudyError: If it has mistakes; lists all of them.
    """
    if not isinstance(content, Mapping):
        found = "nothing" if content is None else type(content).__name__
        raise grid_error([f"a study is a mapping, but the file holds {found}"], file)
    kind: type[AnyGrid] = ShapeGrid if "cuts" in content else Grid
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise grid_error(describe_grid(error, kind), file) from error


def copy_grid(name: str, target: Path) -> None:
    """Hand over a built-in study as a file to edit.

    Args:
        name: Of a built-in study.
        target: A file that is not there yet.

    Raises:
        DataNotFoundError: If there is no such study.
        StudyError: If the target exists.
    """
    text = grid_path(name).read_text(encoding="utf-8")
    if target.exists():
        raise StudyError(
            "Could not copy the study: there is something in its place.",
            got=target,
            expected="a new file",
            fix="give another name, or remove it",
        )
    write_text(target, text)
