"""The catalogue: what is known about each data set, one file each in this folder."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from tinyglot.errors import DataFormatError, UnknownLanguageError
from tinyglot.languages import LanguageTag, resolve_language

KIND_OF_TASK = {
    "ner": "ner",
    "pos": "pos",
    "nli": "pair",
    "paraphrase": "pair",
    "qa": "qa",
    "retrieval": "parallel",
    "topic": "text",
    "sentiment": "text",
    "mlm": "lines",
}

Revision = Annotated[str, StringConstraints(pattern="^[0-9a-f]{40}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
CodePattern = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hub(_Strict):
    """Where a data set is on the hub.

    Attributes:
        id: ``organisation/name``.
        revision: The commit; ``None`` if none is known here, then the newest is read.
        configuration: Its name, with ``{code}`` for the language's code.
        columns: Column a role, where the usual names are not enough.
        splits: The hub's name of a split, where it is not ours.
        row_prefix: For a configuration with all languages: column, and how the cells of one
            language begin, with ``{code}``.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Revision | None
    configuration: CodePattern
    columns: dict[str, Text] = Field(default_factory=dict)
    splits: dict[str, Text] = Field(default_factory=dict)
    row_prefix: dict[str, CodePattern] = Field(default_factory=dict, max_length=1)


class Origin(_Strict):
    """Where the authors have published a data set.

    Attributes:
        url: Of the repository or page.
        revision: The commit that was looked at; ``None`` if it is no repository or not known.
    """

    url: Annotated[str, StringConstraints(pattern="^https://")]
    revision: Revision | None


class Entry(_Strict):
    """What is known about a data set.

    Attributes:
        id: As it is named on the command line, also of a local copy: ``id=PATH``.
        task: The task that it is for.
        name: For people.
        hub: Where it is on the hub; ``None`` if it is not there in a form that can be read.
        origin: Where the authors published it.
        languages: The data set's own code a tag.
        splits: Those it has in most of its languages, in our names.
        licence: As stated; ``None`` if none is stated or it is not known.
        citation: Authors, year, title, place.
        made: Whether people wrote or labelled it in each language (``human``), it was translated,
            found as it is, or labelled by a program (``automatic``).
        note: What to know before use.
    """

    id: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]*$")]
    task: Literal["ner", "pos", "nli", "paraphrase", "qa", "retrieval", "topic", "sentiment", "mlm"]
    name: Text
    hub: Hub | None
    origin: Origin | None
    languages: dict[LanguageTag, Text] = Field(min_length=1)
    splits: tuple[Literal["train", "dev", "test"], ...] = Field(min_length=1)
    licence: Text | None
    citation: Text
    made: Literal["found", "human", "translated", "automatic"]
    note: Text

    @property
    def kind(self) -> str:
        """The kind of its examples; see ``tinyglot.data.reading.read_examples``."""
        return KIND_OF_TASK[self.task]

    @field_validator("languages")
    @classmethod
    def _are_tags(cls, languages: dict[LanguageTag, str]) -> dict[LanguageTag, str]:
        unknown = [tag for tag in languages if not _is_tag(tag)]
        if unknown:
            raise DataFormatError(
                "Could not use the languages of a catalogue entry.",
                got=", ".join(unknown),
                expected="tags such as swh-Latn",
                fix="write the tags that `tinyglot ls languages` lists",
            )
        return languages


@cache
def catalogue() -> dict[str, Entry]:
    """Read all entries.

    Returns:
        Entries by id, sorted.
    """
    folder = files("tinyglot.data.catalogue")
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
    entries = (read_entry((folder / name).read_text(encoding="utf-8")) for name in found)
    return {entry.id: entry for entry in entries}


def read_entry(text: str) -> Entry:
    """Read one entry of the catalogue.

    Args:
        text: YAML.

    Returns:
        The entry.

    Raises:
        DataFormatError: If a key is unknown, missing or has a wrong value; all are listed.
    """
    try:
        return Entry.model_validate(yaml.safe_load(text))
    except ValueError as error:
        raise DataFormatError(
            "Could not read an entry of the catalogue.",
            got=error,
            expected=f"the keys {', '.join(Entry.model_fields)}",
            fix="correct the entry; the others in tinyglot/data/catalogue are examples",
        ) from error


def _is_tag(text: str) -> bool:
    try:
        return resolve_language(text) == text
    except UnknownLanguageError:
        return False
