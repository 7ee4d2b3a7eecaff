"""Sentence templates: one YAML file a language, and what may stand in it.

A sentence is a line of words parted by spaces. A word may hold one slot in braces, with letters
before or after it that are written together with the name:

    PER MAN WOMAN    a person; tagged PER (for languages whose verbs agree, MAN or WOMAN)
    CITY COUNTRY     a place; tagged LOC
    ORG              an organisation, made from the patterns in ``organisations``; tagged ORG
    DATE YEAR NUMBER (20-950) SMALL (2-12) AGE (18-80)
    others           one entry of the list of that name in ``lists``
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple

import regex
import yaml
from pydantic import BaseModel, BeforeValidator

from tinyglot.languages import LanguageTag

_DIRECTORY = files("tinyglot.data.demo").joinpath("templates")
_SLOT = regex.compile(r"(?P<prefix>[^{]*)\{(?P<slot>\w+)\}(?P<suffix>[^}]*)")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines())


def _entries(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in text.split(","))


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
Entries = Annotated[tuple[str, ...], BeforeValidator(_entries)]


class Templates(BaseModel, frozen=True, extra="forbid"):
    """What a language's corpus is made from.

    Attributes:
        cldr: Name of the language in CLDR, for places and dates.
        date: How dates are written, as CLDR's date patterns say it.
        faker: Faker's locale for persons and companies; without it ``men``, ``women`` and
            ``families`` are needed.
        person: How a name is built from ``{given}`` and ``{family}``.
        joiner: What stands between words in running text.
        name_joiner: What stands between the words of a person's name, if ``joiner`` is nothing.
        apart: Punctuation with spaces on both sides in running text.
        men: Given names of men.
        women: Given names of women.
        families: Family names.
        cities: Towns besides those of CLDR.
        without_regions: Regions whose name needs an article in the sentences.
        lists: Further slots and what stands in them.
        organisations: Patterns with the slots ``family``, ``CITY`` and ``company``.
        sentences: The sentences.
    """

    cldr: str
    date: str = "long"
    faker: str | None = None
    person: str
    joiner: str = " "
    name_joiner: str = ""
    apart: str = ""
    men: Entries = ()
    women: Entries = ()
    families: Entries = ()
    cities: Entries = ()
    without_regions: str = ""
    lists: dict[str, Entries]
    organisations: Lines
    sentences: Lines


class Word(NamedTuple):
    """One word of a template; without slot it is just its prefix."""

    prefix: str
    slot: str | None
    suffix: str


def _demo_languages() -> tuple[LanguageTag, ...]:
    names = (entry.name for entry in _DIRECTORY.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


DEMO_LANGUAGES: tuple[LanguageTag, ...] = _demo_languages()
"""Languages that have templates."""


@cache
def read_templates(tag: LanguageTag) -> Templates:
    """Read the templates of one of ``DEMO_LANGUAGES``."""
    text = _DIRECTORY.joinpath(f"{tag}.yaml").read_text(encoding="utf-8")
    return Templates.model_validate(yaml.safe_load(text))


def parse_sentence(sentence: str) -> list[Word]:
    """Take a template apart into its words and slots."""
    return [_parse_word(word) for word in sentence.split()]


def _parse_word(word: str) -> Word:
    match = _SLOT.fullmatch(word)
    return Word(*match.group("prefix", "slot", "suffix")) if match else Word(word, None, "")
