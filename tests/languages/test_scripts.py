import pytest

from tinyglot.errors import UnknownScriptError
from tinyglot.languages import is_of_script, script_of, scripts_in


@pytest.mark.parametrize(
    ("character", "script"),
    [
        ("ẹ", "Latn"),
        ("か", "Jpan"),
        ("カ", "Jpan"),
        ("漢", "Jpan"),
        ("漢", "Hans"),
        ("漢", "Kore"),
        ("ー", "Jpan"),
        ("한", "Hang"),
        ("।", "Deva"),
        ("।", "Beng"),
        ("ሰ", "Ethi"),
        ("\u0301", "Latn"),
        ("ᱥ", "Olck"),
    ],
)
def test_character_belongs_to_the_script(character, script):
    assert is_of_script(character, script)


@pytest.mark.parametrize(
    ("character", "script"), [("か", "Hans"), ("7", "Latn"), (" ", "Arab"), ("а", "Latn")]
)
def test_character_does_not_belong_to_the_script(character, script):
    assert not is_of_script(character, script)


def test_unknown_script_is_refused():
    with pytest.raises(UnknownScriptError, match=r"got: +'Swah'[\s\S]*ISO 15924"):
        is_of_script("a", "Swah")


def test_unassigned_character_has_its_own_code():
    assert script_of("\U000e0fff") == "Zzzz"


def test_scripts_of_a_mixed_text_are_counted():
    expected = {"Grek": 1, "Latn": 4, "Zyyy": 3, "Hani": 2, "Kana": 2}
    assert scripts_in("Ωmega 東京タワー!") == expected  # the long mark "ー" is Zyyy
