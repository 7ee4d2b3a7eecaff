"""Names for the templates: persons and companies from Faker, places and dates from CLDR."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from tinyglot.data.demo.template import Templates
from tinyglot.errors import MissingExtraError
from tinyglot.languages import is_of_script

_NUM_NAMES = 300
_MAX_TRIES = 20 * _NUM_NAMES
_MAX_WORDS = 4
_NOT_A_PLACE = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_NO_CITIES = ("Etc/", "Antarctica/")
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}.'’׳״·・\-\u200c\u200d]*|\S")
_FULL_SET_OF_ZONES = "ru"
"""A language for which CLDR names every time zone's city; others leave some to the zone's id."""


@dataclass(frozen=True, slots=True)
class Entities:
    """Distinct names of one language by kind.

    Attributes:
        men: Full names of men.
        women: Full names of women.
        cities: Towns, and the islands and regions that CLDR names time zones after.
        countries: Countries and territories.
        organisations: Companies and institutions.
    """

    men: tuple[str, ...]
    women: tuple[str, ...]
    cities: tuple[str, ...]
    countries: tuple[str, ...]
    organisations: tuple[str, ...]


def make_entities(templates: Templates, script: str, rng: random.Random) -> Entities:
    """Collect and invent the names of one language.

    Args:
        templates: The language's file.
        script: ISO 15924 code; names with letters of another script are left out.
        rng: Decides every choice.

    Returns:
        Up to 300 names of each kind that is invented, and the places of CLDR.

    Raises:
        MissingExtraError: If Babel or Faker is not installed.
    """
    names = _Names(templates, rng)
    cities = _usable([*templates.cities, *_cities(templates.cldr, script)], script)
    patterns = templates.organisations
    return Entities(
        men=_distinct(names.man, script),
        women=_distinct(names.woman, script),
        cities=cities,
        countries=_usable(_countries(templates), script),
        organisations=_distinct(
            lambda: names.organisation(rng.choice(patterns), rng.choice(cities)), script
        ),
    )


def words_of(text: str) -> list[str]:
    """Part a name or a date into words and punctuation."""
    return _WORD.findall(text)


class _Names:
    """Invents persons and organisations."""

    def __init__(self, templates: Templates, rng: random.Random) -> None:
        self._templates = templates
        self._rng = rng
        self._faker = _faker(templates.faker, rng) if templates.faker else None

    def man(self) -> str:
        return self._person("men", "male")

    def woman(self) -> str:
        return self._person("women", "female")

    def organisation(self, pattern: str, city: str) -> str:
        company = self._faker.company() if self._faker and "{company}" in pattern else ""
        return pattern.format(company=company, family=self._family("male"), CITY=city)

    def _person(self, kind: str, gender: str) -> str:
        if self._faker:
            given = getattr(self._faker, f"first_name_{gender}")()
        else:
            given = self._rng.choice(getattr(self._templates, kind))
        return self._templates.person.format(given=given, family=self._family(gender))

    def _family(self, gender: str) -> str:
        if self._faker:
            return str(getattr(self._faker, f"last_name_{gender}")())
        return self._rng.choice(self._templates.families)


def _faker(locale: str, rng: random.Random) -> Any:  # noqa: ANN401  (methods made at run time)
    try:
        from faker import Faker
    except ImportError as error:
        raise _missing("Faker", "persons and companies") from error
    faker = Faker(locale)
    faker.seed_instance(rng.getrandbits(64))
    return faker


def _countries(templates: Templates) -> list[str]:
    without = _NOT_A_PLACE | set(templates.without_regions.split())
    territories = cldr_locale(templates.cldr).territories
    return [name for code, name in territories.items() if code.isalpha() and code not in without]


def _cities(cldr: str, script: str) -> list[str]:
    """Name the cities of time zones; where CLDR has none, the zone's id has it in Latin letters."""
    named = cldr_locale(cldr).time_zones
    zones = [zone for zone in cldr_locale(_FULL_SET_OF_ZONES).time_zones if _has_city(zone)]
    by_id = {zone: zone.rpartition("/")[2].replace("_", " ") for zone in zones if script == "Latn"}
    return [named[zone]["city"] for zone in zones if "city" in named.get(zone, {})] + [
        city for zone, city in by_id.items() if "city" not in named.get(zone, {})
    ]


def _has_city(zone: str) -> bool:
    return not zone.startswith(_NO_CITIES)


def cldr_locale(name: str) -> Any:  # noqa: ANN401  (Babel is optional)
    """Give CLDR's data of a language.

    Args:
        name: CLDR's name of the language.

    Returns:
        Babel's locale.

    Raises:
        MissingExtraError: If Babel is not installed.
    """
    try:
        from babel import Locale
    except ImportError as error:
        raise _missing("Babel", "places and dates") from error
    return Locale.parse(name)


def _missing(package: str, purpose: str) -> MissingExtraError:
    return MissingExtraError(
        f"Could not make the demo corpus: {package} is not installed.",
        got=f"no package {package.lower()}",
        expected=f"{package}, which has the {purpose}",
        fix='pip install "tinyglot[demo]"',
    )


def _distinct(invent: Callable[[], str], script: str) -> tuple[str, ...]:
    """Invent names until there are enough different ones, or the source has no more."""
    names: dict[str, None] = {}
    for _ in range(_MAX_TRIES):
        name = invent()
        if _is_usable(name, script):
            names[name] = None
        if len(names) == _NUM_NAMES:
            break
    return tuple(names)


def _usable(names: Iterable[str], script: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if _is_usable(name, script)))


def _is_usable(name: str, script: str) -> bool:
    """Refuse brackets, commas, digits, long descriptions and letters of other scripts."""
    words: Sequence[str] = words_of(name)
    letters = [character for character in name if character.isalpha()]
    return (
        bool(letters)
        and len(words) <= _MAX_WORDS + 2 * (words.count("«") + words.count("»"))
        and not regex.search(r"[\p{N}()（）,/]", name)
        and all(is_of_script(letter, script) for letter in letters)
    )
