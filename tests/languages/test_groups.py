import pytest

from tinyglot.errors import UnknownLanguageError
from tinyglot.languages import family_group, languages, script_group
from tinyglot.languages.groups import _groups

XTREME_40 = (
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw "
    "ta te th tl tr ur vi yo zh"
)


def members(group_of, group):
    return " ".join(code for code in XTREME_40.split() if group_of(code) == group)


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("Latn", "af de en es et eu fi fr hu id it jv ms nl pt sw tl tr vi yo"),
        ("Brahmic", "bn ml my ta te th"),
        ("Deva", "hi mr"),
        ("Arab", "ar fa ur"),
        ("Cyrl", "bg kk ru"),
        ("Grek", "el"),
        ("Hani", "zh"),
    ],
)
def test_script_group_has_the_languages_of_xtreme(group, codes):
    assert members(script_group, group) == codes


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("Indo-European", "af bg bn de el en es fa fr hi it mr nl pt ru ur"),
        ("Austronesian", "id jv ms tl"),
        ("Niger-Congo", "sw yo"),
        ("Uralic", "et fi hu"),
        ("Basque", "eu"),
    ],
)
def test_family_group_has_the_languages_of_xtreme(group, codes):
    assert members(family_group, group) == codes


def test_xtreme_has_twelve_families_and_two_isolates():
    assert len({family_group(code) for code in XTREME_40.split()}) == 14


def test_every_language_of_the_table_has_both_groups():
    named = [(script_group(row.tag), family_group(row.tag)) for row in languages()]
    assert len(named) > 280
    assert all(script and family for script, family in named)


def test_the_file_has_no_line_that_no_language_uses():
    used = {("script", row.script) for row in languages()}
    used |= {("family", row.family) for row in languages()}
    assert set(_groups()) == used


def test_both_scripts_of_chinese_are_one_group():
    assert script_group("zho-Hans") == script_group("zho-Hant") == "Hani"


@pytest.mark.parametrize("group_of", [script_group, family_group])
def test_refuses_what_is_no_language(group_of):
    with pytest.raises(UnknownLanguageError, match=r"got: +'klingonish'"):
        group_of("klingonish")
