import re
import sys
from pathlib import Path

import pytest

from tinyglot.data.conll import TaggedSentence, read_conll, read_conll_file
from tinyglot.data.demo import DEMO_LANGUAGES, make_ner_corpus
from tinyglot.data.demo.corpus import _NUMBERS, _TYPES, _running_text
from tinyglot.data.demo.entities import _is_usable, words_of
from tinyglot.data.demo.template import Word, parse_sentence, read_templates
from tinyglot.data.directory import DataDirectory
from tinyglot.data.iob import spans
from tinyglot.data.text import TextSource
from tinyglot.errors import DataFormatError, MissingExtraError, UnknownLanguageError
from tinyglot.files import read_json
from tinyglot.languages import is_of_script, language

SIZES = {"train": 60, "dev": 10, "test": 30}
SLOT = re.compile(r"\{(\w+)\}")

pytest.importorskip("babel", reason="the demo corpora need the demo extra")
pytest.importorskip("faker", reason="the demo corpora need the demo extra")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_ner_corpus(tmp_path_factory.mktemp("demo"), sentences_per_split=SIZES)


def contents(directory: Path) -> dict[str, bytes]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def names_in(sentences):
    """The entities of some sentences, as text with their type."""
    found = set()
    for sentence in sentences:
        for span in spans(sentence.tags):
            label, start, end = span
            found.add((label, " ".join(sentence.words[start:end])))
    return found


# --- templates ---------------------------------------------------------------------------------


def test_there_are_twelve_languages_over_eight_scripts():
    assert len(DEMO_LANGUAGES) >= 12
    assert len({language(tag).script for tag in DEMO_LANGUAGES}) >= 8


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_language_has_enough_templates_of_every_kind(tag):
    sentences = [set(SLOT.findall(sentence)) for sentence in read_templates(tag).sentences]
    assert len(sentences) == len(set(read_templates(tag).sentences)) >= 25
    for slots in ({"PER", "MAN", "WOMAN"}, {"CITY", "COUNTRY"}, {"ORG"}):
        assert sum(bool(slots & used) for used in sentences) >= 8
    assert sum(not used & _TYPES.keys() for used in sentences) >= 5


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_templates_use_slots_that_exist(tag):
    templates = read_templates(tag)
    known = {*_TYPES, *_NUMBERS, "DATE", *templates.lists}
    words = [word for sentence in templates.sentences for word in parse_sentence(sentence)]
    assert {word.slot for word in words} - {None} <= known
    assert [word for word in words if "{" in word.prefix + word.suffix] == []
    used = {slot for pattern in templates.organisations for slot in SLOT.findall(pattern)}
    assert used <= {"company", "family", "CITY"}


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_templates_are_written_in_the_script_of_their_language(tag):
    templates = read_templates(tag)
    text = SLOT.sub("", " ".join((*templates.sentences, *templates.organisations)))
    script = language(tag).script
    assert {
        letter for letter in text if letter.isalpha() and not is_of_script(letter, script)
    } == set()


def test_slot_may_have_letters_around_it():
    assert parse_sentence("ב{CITY} {ORG}ን x") == [
        Word("ב", "CITY", ""),
        Word("", "ORG", "ን"),
        Word("x", None, ""),
    ]


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("St. Pierre & Miquelon", ["St.", "Pierre", "&", "Miquelon"]),
        ("Côte d’Ivoire", ["Côte", "d’Ivoire"]),
        ("РАО «Туров Павлов»", ["РАО", "«", "Туров", "Павлов", "»"]),
        ("March 5, 2021", ["March", "5", ",", "2021"]),
        ("2021年3月5日", ["2021年3月5日"]),
        ("กรุงเทพ", ["กรุงเทพ"]),
        ("डी’सोउज़ा", ["डी’सोउज़ा"]),
    ],
)
def test_names_are_parted_into_words(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "script", "is_usable"),
    [
        ("Nairobi", "Latn", True),
        ("Nairobi", "Ethi", False),
        ("Myanmar (Burma)", "Latn", False),
        ("Beulah, North Dakota", "Latn", False),
        ("South Georgia and South Sandwich Islands", "Latn", False),
        ("ミャンマー", "Jpan", True),
        ("ООО « Рожков и сыновья »", "Cyrl", True),
        ("», «", "Cyrl", False),
    ],
)
def test_names_that_are_no_names_are_left_out(name, script, is_usable):
    assert _is_usable(name, script) is is_usable


# --- corpus ------------------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes(tmp_path, corpus):
    again = make_ner_corpus(tmp_path, sentences_per_split=SIZES)
    assert contents(again) == contents(corpus)


def test_other_seed_gives_other_sentences(tmp_path, corpus):
    other = make_ner_corpus(tmp_path, ["swh-Latn"], SIZES, seed=1)
    one = read_conll(corpus / "swh-Latn" / "train.conll")
    assert read_conll(other / "swh-Latn" / "train.conll") != one


def test_one_language_alone_is_as_among_others(tmp_path, corpus):
    alone = make_ner_corpus(tmp_path, ["zh"], SIZES)
    path = Path("zho-Hans", "test.conll")
    assert (alone / path).read_bytes() == (corpus / path).read_bytes()


def test_corpus_is_a_data_directory(corpus):
    data = DataDirectory(corpus)
    assert tuple(data.languages) == DEMO_LANGUAGES
    assert set(data.splits("swh-Latn")) == set(SIZES)


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_files_hold_the_wanted_sentences_in_clean_iob2(corpus, tag):
    for split, size in SIZES.items():
        file = read_conll_file(corpus / tag / f"{split}.conll")
        assert (len(file.sentences), file.num_repaired) == (size, 0)
        labels = {tag.partition("-")[2] for sentence in file.sentences for tag in sentence.tags}
        assert labels == {"", "PER", "ORG", "LOC"}


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_some_names_have_several_words(corpus, tag):
    tags = [tag for sentence in read_conll(corpus / tag / "train.conll") for tag in sentence.tags]
    assert sum(tag.startswith("I-") for tag in tags) >= 10


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_most_names_of_test_are_not_in_train(corpus, tag):
    train = names_in(read_conll(corpus / tag / "train.conll"))
    test = names_in(read_conll(corpus / tag / "test.conll"))
    assert len(test - train) >= 0.75 * len(test)


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_no_sentence_occurs_twice(corpus, tag):
    sentences = [
        sentence.words
        for split in SIZES
        for sentence in read_conll(corpus / tag / f"{split}.conll")
    ]
    assert len(set(sentences)) == len(sentences) == sum(SIZES.values())


@pytest.mark.parametrize("tag", DEMO_LANGUAGES)
def test_text_has_four_lines_a_sentence(corpus, tag):
    lines = list(TextSource((corpus / f"{tag}.txt",)).lines())
    assert len(lines) == 4 * 60
    assert not any("{" in line or "  " in line or " ." in line for line in lines)


def test_corpus_says_that_it_is_synthetic(corpus):
    record = read_json(corpus / "corpus.json")
    assert record["synthetic"] is True
    assert record["note"].startswith("Synthetic")
    assert (record["seed"], record["sentences_per_split"]) == (0, SIZES)


@pytest.mark.parametrize(
    ("tag", "words", "tags", "text"),
    [
        ("eng-Latn", "“ We , too , ” said Al ( 7 ) .", "O O O O O O O B-PER O O O O",
         "“We, too,” said Al (7)."),
        ("fra-Latn", "« Oui » , dit Zoé : non !", "O O O O O B-PER O O O",
         "« Oui », dit Zoé : non !"),
        ("zho-Hans", "王芳 说 ： “ 好 。 ”", "B-PER O O O O O O", "王芳说：“好。”"),
        ("tha-Thai", "สมชาย ใจดี อยู่ ธนาคาร ไทย", "B-PER I-PER O B-ORG I-ORG",
         "สมชาย ใจดีอยู่ธนาคารไทย"),
    ],
)  # fmt: skip
def test_running_text_is_spaced_as_in_its_language(tag, words, tags, text):
    sentence = TaggedSentence(tuple(words.split()), tuple(tags.split()))
    assert _running_text(sentence, read_templates(tag)) == text


# --- mistakes ----------------------------------------------------------------------------------


def test_language_without_templates_lists_those_with(tmp_path):
    with pytest.raises(UnknownLanguageError, match=r"got: +mt \(Maltese\)[\s\S]*swh-Latn"):
        make_ner_corpus(tmp_path, ["mt"])


@pytest.mark.parametrize(("sizes", "got"), [({"train": 0}, "train: 0"), ({"eval": 5}, "eval: 5")])
def test_impossible_sizes_are_refused(tmp_path, sizes, got):
    with pytest.raises(DataFormatError, match=rf"got: +{got} sentences"):
        make_ner_corpus(tmp_path, ["sw"], sizes)


@pytest.mark.parametrize("package", ["faker", "babel"])
def test_missing_package_says_how_to_install_it(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"no package {package}[\s\S]*tinyglot\[demo\]"):
        make_ner_corpus(tmp_path, ["sw"], SIZES)
    assert list(tmp_path.iterdir()) == []
