"""The language table: reading it, looking languages up, resolving codes and names to tags."""

import csv
import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from tinyglot.errors import UnknownLanguageError

LanguageTag: TypeAlias = str
"""ISO 639-3 and ISO 15924 joined by a hyphen, such as ``swh-Latn``."""

GROUPS = ("xtreme", "mbert", "xlmr", "sib200")

_SCRIPT_SYNONYMS = {"kore": "hang", "hani": "hans", "hira": "jpan", "kana": "jpan", "hrkt": "jpan"}
_NUM_SUGGESTIONS = 3
_SIMILARITY = 0.6


@dataclass(frozen=True, slots=True)
class Language:
    """One written language.

    Attributes:
        tag: ISO 639-3 and ISO 15924 code, such as ``swh-Latn``.
        name: English name.
        script: ISO 15924 code; ``Jpan`` and ``Hans`` stand for the scripts written together.
        family: Top-level family; for Indo-European and creoles the branch after a slash.
        resource_level: Class of Joshi et al. (2020), 0 (left behind) to 5 (winners); ``None``
            where their table does not name the language, or names it in another script.
        groups: Of ``xtreme`` (the 48 of its PAN-X data), ``mbert`` (104), ``xlmr`` (its 100, both
            encodings of Burmese counted once) and ``sib200`` (205), those that have it.
    """

    tag: LanguageTag
    name: str
    script: str
    family: str
    resource_level: int | None
    groups: frozenset[str]


def resolve_language(code: str) -> LanguageTag:
    """Turn a code or an English name into the one tag that tinyglot uses for the language.

    Accepted, in any case and with ``_`` or ``-``: tags, ISO 639-1, 639-2 and 639-3 codes,
    macro-language codes (``sw`` and ``swa`` are ``swh-Latn``, ``ar`` is ``arb-Arab``, ``zh`` and
    ``cmn`` are ``zho-Hans``), any of these followed by a script, names, and the folder names of
    Universal NER.

    Args:
        code: What a user, a folder or a dataset calls the language.

    Returns:
        A tag of the table.

    Raises:
        UnknownLanguageError: If the table has no such language; says what comes close.

    Example:
        >>> resolve_language("sw"), resolve_language("zho_Hant"), resolve_language("Yoruba")
        ('swh-Latn', 'zho-Hant', 'yor-Latn')
    """
    key = _normalise(code)
    keys = _tags_by_key()
    tag = keys.get(key) or _with_other_script(key, keys)
    if tag is None:
        raise _unknown_language(code, key, keys)
    return tag


def language(code: str) -> Language:
    """Look up what is known about one language.

    Args:
        code: A tag, or anything else that `resolve_language` accepts.

    Returns:
        The row of the table.

    Raises:
        UnknownLanguageError: If the table has no such language.
    """
    return _languages_by_tag()[resolve_language(code)]


def languages(group: str | None = None) -> tuple[Language, ...]:
    """List the languages of a group, or all of them, sorted by tag.

    Args:
        group: One of ``xtreme``, ``mbert``, ``xlmr``, ``sib200``; ``None`` for every language.

    Returns:
        The rows of the table.

    Raises:
        UnknownLanguageError: If there is no such group.
    """
    everything = tuple(_languages_by_tag().values())
    if group is None:
        return everything
    if group not in GROUPS:
        raise UnknownLanguageError(
            "Could not list the languages: there is no such group.",
            got=repr(group),
            expected=" ".join(GROUPS),
            fix='languages("xlmr"), or tinyglot ls languages',
        )
    return tuple(row for row in everything if group in row.groups)


def _normalise(code: str) -> str:
    """Fold case, accents and separators."""
    decomposed = unicodedata.normalize("NFKD", code.strip().casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return "-".join(plain.replace("_", " ").replace("-", " ").split())


def _with_other_script(key: str, keys: Mapping[str, LanguageTag]) -> LanguageTag | None:
    """Read ``swa-Latn`` and ``kor-Kore``: the language of a known code in a script we have."""
    base, _, script = key.rpartition("-")
    tag = keys.get(base)
    if tag is None:
        return None
    script = _SCRIPT_SYNONYMS.get(script, script)
    return keys.get(f"{tag.partition('-')[0]}-{script}")


def _unknown_language(code: str, key: str, keys: Mapping[str, LanguageTag]) -> UnknownLanguageError:
    known = _languages_by_tag()
    hints = [f"{tag} ({known[tag].name})" for tag in _near(key, keys)[:_NUM_SUGGESTIONS]]
    suggestion = f"; did you mean {', '.join(hints)}?" if hints else ""
    return UnknownLanguageError(
        "Could not find the language: no such code or name.",
        got=repr(code),
        expected=f"a tag such as swh-Latn, an ISO 639 code or an English name{suggestion}",
        fix="tinyglot ls languages",
    )


def _near(key: str, keys: Mapping[str, LanguageTag]) -> list[LanguageTag]:
    """List the same language in other scripts, else the languages that are spelt alike."""
    tag = keys.get(key.rpartition("-")[0])
    if tag is not None:
        return [other for other in _languages_by_tag() if other[:3] == tag[:3]]
    close = difflib.get_close_matches(key, keys, n=12, cutoff=_SIMILARITY)
    return list(dict.fromkeys(keys[match] for match in close))


@cache
def _rows() -> tuple[dict[str, str], ...]:
    table = files("tinyglot.languages").joinpath("languages.tsv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def _languages_by_tag() -> dict[LanguageTag, Language]:
    return {row["tag"]: _parse(row) for row in _rows()}


def _parse(row: Mapping[str, str]) -> Language:
    level = row["resource_level"]
    return Language(
        tag=row["tag"],
        name=row["name"],
        script=row["tag"].partition("-")[2],
        family=row["family"],
        resource_level=int(level) if level else None,
        groups=frozenset(row["groups"].split(",")) - {""},
    )


@cache
def _tags_by_key() -> dict[str, LanguageTag]:
    """Map every accepted spelling to its tag."""
    return {_normalise(spelling): row["tag"] for row in _rows() for spelling in _spellings(row)}


def _spellings(row: Mapping[str, str]) -> list[str]:
    other_names = row["other_names"].split(";") if row["other_names"] else []
    return [row["tag"], row["name"], *row["codes"].split(), *other_names]
