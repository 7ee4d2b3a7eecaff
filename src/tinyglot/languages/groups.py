"""Which languages go together: by script and by family, from a data file."""

import csv
from functools import cache
from importlib.resources import files

from tinyglot.languages.table import language


def script_group(code: str) -> str:
    """Name the group of languages that share a script.

    Groups are ISO 15924 scripts, with two exceptions: what XTREME calls ``Brahmic`` is one group
    (Bengali, Burmese, Malayalam, Tamil, Telugu and Thai script, and their sisters that XTREME
    does not have; Devanagari is a group of its own there and here), and so are both ways to write
    Chinese (``Hani``). The file ``groups.tsv`` says it for every script of the table.

    Args:
        code: A tag, or anything else that ``resolve_language`` accepts.

    Returns:
        Such as ``Latn``, ``Arab`` or ``Brahmic``.

    Raises:
        UnknownLanguageError: If the code is no language.

    References:
        Hu et al. (2020), XTREME, appendix: table of languages.

    Example:
        >>> script_group("sw"), script_group("ta"), script_group("hi"), script_group("zho-Hant")
        ('Latn', 'Brahmic', 'Deva', 'Hani')
    """
    return _groups()["script", language(code).script]


def family_group(code: str) -> str:
    """Name the group of languages that belong to one family.

    Groups are top-level families, as in XTREME: Swahili and Yoruba are both ``Niger-Congo``,
    English and Hindi both ``Indo-European``. Isolates are alone, and creoles stand with those of
    the same base. The file ``groups.tsv`` says it for every family of the table.

    Args:
        code: A tag, or anything else that ``resolve_language`` accepts.

    Returns:
        Such as ``Niger-Congo``.

    Raises:
        UnknownLanguageError: If the code is no language.

    Example:
        >>> family_group("yo"), family_group("hi"), family_group("ta"), family_group("eu")
        ('Niger-Congo', 'Indo-European', 'Dravidian', 'Basque')
    """
    return _groups()["family", language(code).family]


@cache
def _groups() -> dict[tuple[str, str], str]:
    text = files("tinyglot.languages").joinpath("groups.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {(row["kind"], row["member"]): row["group"] for row in rows}
