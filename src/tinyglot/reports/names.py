"""Names of languages as reports print them."""

from tinyglot.errors import UnknownLanguageError
from tinyglot.languages import LanguageTag, language


def language_name(tag: LanguageTag) -> str:
    """Give a language's English name, or the tag itself where no table has it.

    Args:
        tag: Such as ``swh-Latn``; data of a user may hold anything.

    Returns:
        Such as ``Swahili``.
    """
    try:
        return language(tag).name
    except UnknownLanguageError:
        return tag
