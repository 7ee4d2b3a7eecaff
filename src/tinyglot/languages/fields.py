"""Field types of configurations that name languages."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ValidatorFunctionWrapHandler, WrapValidator

from tinyglot.errors import UnknownLanguageError
from tinyglot.languages.table import resolve_language

Value = TypeVar("Value")


def _resolved(code: str) -> str:
    try:
        return resolve_language(code)
    except UnknownLanguageError as error:  # pydantic collects ValueErrors only
        hint = error.expected.partition("; ")[2] or "see `tinyglot ls languages`"
        raise ValueError(f"no such language, {hint}") from error


def _each_once(tags: Sequence[str]) -> Sequence[str]:
    twice = sorted({tag for tag in tags if tags.count(tag) > 1})
    if twice:
        raise ValueError(f"given more than once: {', '.join(twice)}")
    return tags


def _not_merged(given: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401  (any input)
    checked = check(given)
    if len(checked) < len(given):
        raise ValueError("two of the keys are codes of the same language")
    return checked


LanguageCode = Annotated[str, AfterValidator(_resolved)]
"""A field type: any code of a language; the value becomes its tag, such as ``swh-Latn``."""

LanguageCodes = Annotated[tuple[LanguageCode, ...], AfterValidator(_each_once)]
"""A field type: languages in any order, each given once."""

ByLanguage = Annotated[dict[LanguageCode, Value], WrapValidator(_not_merged)]
"""A field type: a value for each language, as in ``ByLanguage[int]``."""
