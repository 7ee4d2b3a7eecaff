import re

import pytest

from tests.real_data import real_data_root
from tinyglot.errors import UnknownLanguageError
from tinyglot.languages import is_of_script, language, languages, resolve_language
from tinyglot.languages.table import _normalise, _rows, _spellings

XTREME_40 = (
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw "
    "ta te th tl tr ur vi yo zh"
)
XLMR_CODES = (
    "af am ar as az be bg bn bn_rom br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu "
    "ha he hi hi_rom hr hu hy id is it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my "
    "my_zaw ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq sr su sv sw ta ta_rom te te_rom "
    "th tl tr ug uk ur ur_rom uz vi xh yi zh zh_hant"
)


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("sw", "swh-Latn"),
        ("swa", "swh-Latn"),
        ("swh_Latn", "swh-Latn"),
        ("SWA-latn", "swh-Latn"),
        (" Swahili ", "swh-Latn"),
        ("ara", "arb-Arab"),
        ("ara_Arab", "arb-Arab"),
        ("zh", "zho-Hans"),
        ("cmn", "zho-Hans"),
        ("cmn_Hant", "zho-Hant"),
        ("zh-TW", "zho-Hant"),
        ("zho_Hani", "zho-Hans"),
        ("fa", "pes-Arab"),
        ("msa", "zsm-Latn"),
        ("ekk", "est-Latn"),
        ("lv", "lvs-Latn"),
        ("no", "nob-Latn"),
        ("sqi", "als-Latn"),
        ("uzb", "uzn-Latn"),
        ("mn", "khk-Cyrl"),
        ("ne", "npi-Deva"),
        ("or", "ory-Orya"),
        ("yid", "ydd-Hebr"),
        ("az", "azj-Latn"),
        ("ku", "kmr-Latn"),
        ("ps", "pbt-Arab"),
        ("mg", "plt-Latn"),
        ("om", "gaz-Latn"),
        ("qu", "quy-Latn"),
        ("ay", "ayr-Latn"),
        ("gn", "grn-Latn"),
        ("kor_Kore", "kor-Hang"),
        ("ace", "ace-Latn"),
        ("ace_Arab", "ace-Arab"),
        ("sr-Latn", "srp-Latn"),
        ("norwegian bokmal", "nob-Latn"),
        ("de_pud", "deu-Latn"),
    ],
)
def test_code_resolves_to_the_one_tag(code, tag):
    assert resolve_language(code) == tag


@pytest.mark.parametrize(("group", "size"), [("mbert", 104), ("xtreme", 48), ("sib200", 205)])
def test_group_has_its_published_size(group, size):
    assert len(languages(group)) == size


def test_xtreme_group_has_the_40_languages_of_xtreme():
    group = {row.tag for row in languages("xtreme")}
    assert {resolve_language(code) for code in XTREME_40.split()} <= group


def test_xlmr_group_is_its_100_codes_with_both_burmese_encodings_as_one():
    tags = [resolve_language(code) for code in XLMR_CODES.split()]
    assert (len(tags), set(tags)) == (100, {row.tag for row in languages("xlmr")})
    assert len(set(tags)) == 99


def test_xtreme_falls_into_the_families_of_its_authors():
    families: dict[str, set[str]] = {}
    for code in XTREME_40.split():
        families.setdefault(language(code).family.partition("/")[0], set()).add(code)
    assert len(families) == 14  # twelve families and the isolates Basque and Korean
    assert " ".join(sorted(families["Indo-European"])) == (
        "af bg bn de el en es fa fr hi it mr nl pt ru ur"
    )
    assert families["Austronesian"] == {"id", "jv", "ms", "tl"}
    assert families["Niger-Congo"] == {"sw", "yo"}
    assert families["Sino-Tibetan"] == {"my", "zh"}


def test_language_tells_what_is_known():
    yoruba = language("yo")
    assert (yoruba.tag, yoruba.name, yoruba.script) == ("yor-Latn", "Yoruba", "Latn")
    assert (yoruba.family, yoruba.resource_level) == ("Niger-Congo", 2)
    assert yoruba.groups == {"xtreme", "mbert", "sib200"}


def test_resource_level_is_none_where_unknown():
    assert language("pcm").resource_level is None


def test_every_spelling_belongs_to_one_language():
    owners: dict[str, set[str]] = {}
    for row in _rows():
        for spelling in _spellings(row):
            owners.setdefault(_normalise(spelling), set()).add(row["tag"])
    assert {key: tags for key, tags in owners.items() if len(tags) > 1} == {}


def test_tags_are_a_language_and_a_script_that_unicode_knows():
    for row in languages():
        assert re.fullmatch(r"[a-z]{3}-[A-Z][a-z]{3}", row.tag)
        assert is_of_script("a", row.script) is (row.script == "Latn")


def test_resource_levels_are_the_six_classes():
    assert {row.resource_level for row in languages()} == {None, 0, 1, 2, 3, 4, 5}


def test_no_language_is_without_family():
    assert [row.tag for row in languages() if not row.family] == []


def test_every_language_has_its_bare_code():
    bases = {row.tag[:3] for row in languages()}
    assert [base for base in sorted(bases) if resolve_language(base)[:3] != base] == []


def test_every_folder_of_the_real_data_resolves():
    root = real_data_root()
    if not root.exists():
        pytest.skip(f"real data is not at {root}")
    folders = [
        *root.glob("ner/*/*/"),
        *root.glob("topic/sib200/*/"),
        *root.glob("sentiment/*/*/"),
        *root.glob("nli/*/*/"),
        *root.glob("qa/*/*/"),
        *root.glob("retrieval/*/*/"),
        *root.glob("text/*/"),
    ]
    assert len(folders) > 200
    assert {resolve_language(folder.name) for folder in folders} <= {r.tag for r in languages()}


@pytest.mark.parametrize(
    ("code", "suggestion"),
    [
        ("Swahilli", r"got: +'Swahilli'[\s\S]*did you mean swh-Latn \(Swahili\)"),
        ("swh-Arab", r"got: +'swh-Arab'[\s\S]*did you mean swh-Latn \(Swahili\)\?"),
        ("", r"got: +''[\s\S]*an ISO 639 code or an English name\n"),
    ],
)
def test_unknown_language_says_what_comes_close(code, suggestion):
    with pytest.raises(UnknownLanguageError, match=suggestion):
        resolve_language(code)


def test_unknown_group_lists_the_groups():
    with pytest.raises(UnknownLanguageError, match=r"got: +'bert'[\s\S]*xtreme mbert xlmr sib200"):
        languages("bert")
