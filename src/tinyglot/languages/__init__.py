"""Language tags such as ``swh-Latn``, and what is known about each language."""

from tinyglot.languages.fields import ByLanguage, LanguageCode, LanguageCodes
from tinyglot.languages.groups import family_group, script_group
from tinyglot.languages.scripts import is_of_script, script_of, scripts_in
from tinyglot.languages.table import (
    Language,
    LanguageTag,
    language,
    languages,
    resolve_language,
)

__all__ = [
    "ByLanguage",
    "Language",
    "LanguageCode",
    "LanguageCodes",
    "LanguageTag",
    "family_group",
    "is_of_script",
    "language",
    "languages",
    "resolve_language",
    "script_group",
    "script_of",
    "scripts_in",
]
