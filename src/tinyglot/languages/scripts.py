"""Which writing system a character belongs to, by Unicode's script properties."""

from collections import Counter
from functools import cache, lru_cache

import regex

from tinyglot.errors import UnknownScriptError

_WRITTEN_TOGETHER = {
    "Hanb": ("Hani", "Bopo"),
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hrkt": ("Hira", "Kana"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
}
"""ISO 15924 codes that Unicode knows only as the scripts they are written with."""

_UNICODE_SCRIPTS = (
    "Latn Arab Cyrl Deva Hani Hira Kana Hang Beng Ethi Grek Hebr Thai Taml Telu Mymr Geor Armn "
    "Guru Gujr Orya Knda Mlym Sinh Laoo Khmr Tibt Mong Zyyy Zinh Zzzz Adlm Aghb Ahom Armi Avst "
    "Bali Bamu Bass Batk Bhks Bopo Brah Brai Bugi Buhd Cakm Cans Cari Cham Cher Chrs Copt Cpmn "
    "Cprt Diak Dogr Dsrt Dupl Egyp Elba Elym Glag Gong Gonm Goth Gran Hano Hatr Hluw Hmng Hmnp "
    "Hung Ital Java Kali Kawi Khar Khoj Kits Kthi Lana Lepc Limb Lina Linb Lisu Lyci Lydi Mahj "
    "Maka Mand Mani Marc Medf Mend Merc Mero Modi Mroo Mtei Mult Nagm Nand Narb Nbat Newa Nkoo "
    "Nshu Ogam Olck Orkh Osge Osma Ougr Palm Pauc Perm Phag Phli Phlp Phnx Plrd Prti Rjng Rohg "
    "Runr Samr Sarb Saur Sgnw Shaw Shrd Sidd Sind Sogd Sogo Sora Soyo Sund Sylo Syrc Tagb Takr "
    "Tale Talu Tang Tavt Tfng Tglg Thaa Tirh Tnsa Toto Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi "
    "Yiii Zanb"
)
"""Separated by spaces; the scripts most text is in come first."""


def is_of_script(character: str, script: str) -> bool:
    """Say whether texts in a script use the character as one of its own.

    Unicode's Script_Extensions decide: the danda belongs to Devanagari and to Bengali. What all
    scripts share (digits, spaces, most punctuation) belongs to none.

    Args:
        character: A single character.
        script: ISO 15924 code, such as ``Latn``, ``Jpan`` (Han, Hiragana, Katakana) or ``Hans``.

    Returns:
        Whether the character belongs to the script.

    Raises:
        UnknownScriptError: If Unicode has no such script.

    Example:
        >>> is_of_script("か", "Jpan"), is_of_script("か", "Hans"), is_of_script("7", "Latn")
        (True, False, False)
    """
    return _extended_pattern(script).fullmatch(character) is not None


@lru_cache(maxsize=65_536)
def script_of(character: str) -> str:
    r"""Name the script of a character.

    Args:
        character: A single character.

    Returns:
        ISO 15924 code; ``Zyyy`` for what all scripts share, ``Zinh`` for marks that take the
        script of the letter before them, ``Zzzz`` for unassigned characters.

    Example:
        >>> script_of("ጤ"), script_of("?"), script_of("\u0301")
        ('Ethi', 'Zyyy', 'Zinh')
    """
    for script in _UNICODE_SCRIPTS.split():
        if _pattern(script).fullmatch(character):
            return script
    return "Zzzz"


def scripts_in(text: str) -> Counter[str]:
    """Count the characters of a text by script.

    Args:
        text: Any text.

    Returns:
        Number of characters for each ISO 15924 code, as `script_of` names them.

    Example:
        >>> sorted(scripts_in("Habari ሰላም!").items())
        [('Ethi', 3), ('Latn', 6), ('Zyyy', 2)]
    """
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        counts[script_of(character)] += count
    return counts


@cache
def _extended_pattern(script: str) -> regex.Pattern[str]:
    parts = _WRITTEN_TOGETHER.get(script, (script,))
    try:
        return regex.compile("[" + "".join(rf"\p{{scx={part}}}" for part in parts) + "]")
    except regex.error as error:
        raise UnknownScriptError(
            "Could not look up a script: no such code.",
            got=repr(script),
            expected="an ISO 15924 code that Unicode knows, such as Latn, Arab or Jpan",
            fix="take the script from tinyglot.languages.language(tag).script",
        ) from error


@cache
def _pattern(script: str) -> regex.Pattern[str]:
    return regex.compile(rf"\p{{sc={script}}}")
