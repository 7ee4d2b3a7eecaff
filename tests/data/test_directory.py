from pathlib import Path

import pytest

from tests.real_data import real_data
from tinyglot.data.directory import DataDirectory
from tinyglot.errors import DataFormatError, DataNotFoundError, UnknownLanguageError


@pytest.fixture
def data(tmp_path):
    """Swahili with three splits under a short code, Hausa with one under a tag."""
    add(tmp_path, "sw/train", "Juma\tB-PER\n")
    add(tmp_path, "sw/validation", "Mombasa\tB-LOC\n")
    add(tmp_path, "sw/test", "ni\tO\n")
    add(tmp_path, "hau-Latn/test", "Kano\tB-LOC\n")
    return tmp_path


def add(root: Path, name: str, content: str = "ni\tO\n", suffix: str = ".conll") -> Path:
    path = root / (name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_folders_are_known_by_their_tag(data):
    assert DataDirectory(data).languages == ("hau-Latn", "swh-Latn")


def test_splits_are_in_the_order_of_use(data):
    add(data, "sw/extra")
    assert DataDirectory(data).splits("swh-Latn") == ("train", "dev", "test", "extra")


@pytest.mark.parametrize("code", ["sw", "swa", "swh_Latn", "swh-Latn", "Swahili"])
def test_any_code_of_the_language_finds_its_file(data, code):
    assert DataDirectory(data).file(code, "test") == data / "sw/test.conll"


@pytest.mark.parametrize("split", ["dev", "valid", "validation"])
def test_dev_and_validation_are_the_same_split(data, split):
    assert DataDirectory(data).file("swh-Latn", split) == data / "sw/validation.conll"


def test_a_treebank_may_stand_behind_the_language(tmp_path):
    add(tmp_path, "sk_snk/dev")
    assert DataDirectory(tmp_path).languages == ("slk-Latn",)


def test_other_files_folders_and_hidden_folders_are_left_alone(data):
    (data / "README.md").write_text("about")
    add(data, "pictures/one", suffix=".png")
    add(data, ".cache/dev")
    add(data, "sw/notes", suffix=".txt")
    assert DataDirectory(data).languages == ("hau-Latn", "swh-Latn")


def test_the_ending_of_the_files_can_be_another(tmp_path):
    path = add(tmp_path, "sw/dev", suffix=".conllu")
    add(tmp_path, "ha/dev")
    directory = DataDirectory(tmp_path, [".conllu"])
    assert directory.languages == ("swh-Latn",)
    assert directory.file("sw", "dev") == path


def test_lists_the_languages_when_one_is_missing(data):
    with pytest.raises(DataNotFoundError, match=r"data in yor-Latn[\s\S]*hau-Latn, swh-Latn"):
        DataDirectory(data).file("yo", "test")


def test_lists_the_splits_when_one_is_missing(data):
    with pytest.raises(DataNotFoundError, match=r"'train' of hau-Latn[\s\S]* has test in this"):
        DataDirectory(data).file("ha", "train")


def test_lists_what_a_directory_without_data_holds(tmp_path):
    (tmp_path / "words.conll").write_text("ni\tO\n")
    with pytest.raises(DataNotFoundError, match=r"holds words\.conll[\s\S]*<language>/\{train,dev"):
        DataDirectory(tmp_path)


def test_refuses_a_missing_directory(tmp_path):
    with pytest.raises(DataNotFoundError, match="no such directory"):
        DataDirectory(tmp_path / "absent")


def test_lists_all_folders_whose_language_is_unknown(data):
    add(data, "klingonish/dev")
    add(data, "xx123/dev")
    with pytest.raises(UnknownLanguageError, match=r"2 folder[\s\S]*klingonish, xx123"):
        DataDirectory(data)


def test_two_folders_of_one_language_are_named_and_the_rest_can_be_read(data):
    add(data, "swh_Latn/test")
    directory = DataDirectory(data)
    with pytest.raises(
        DataFormatError, match=r"split 'test'[\s\S]*sw/test\.conll and .*swh_Latn"
    ) as caught:
        directory.file("sw", "test")
    assert caught.value.fix == f"give the folder itself as data: {data}/sw or {data}/swh_Latn"
    assert directory.file("ha", "test") == data / "hau-Latn/test.conll"


def test_refuses_two_files_for_dev(data):
    add(data, "sw/dev")
    with pytest.raises(DataFormatError, match=r"split 'dev'[\s\S]*dev\.conll and .*validation"):
        DataDirectory(data).file("sw", "dev")


def test_a_directory_may_directly_hold_the_splits_of_a_treebank(tmp_path):
    add(tmp_path, "UD_Slovak-SNK/sk_snk-ud-train", suffix=".conllu")
    add(tmp_path, "UD_Slovak-SNK/dev", suffix=".conllu")
    directory = DataDirectory(tmp_path / "UD_Slovak-SNK", [".conllu"])
    assert directory.languages == ("slk-Latn",)
    assert directory.splits("sk") == ("train", "dev")
    assert directory.file("sk", "train").name == "sk_snk-ud-train.conllu"
    with pytest.raises(DataNotFoundError, match=r"data in ces-Latn[\s\S]*has slk-Latn"):
        directory.file("cs", "dev")


def test_a_directory_named_by_no_language_is_taken_for_any(tmp_path):
    path = add(tmp_path, "mine/test")
    directory = DataDirectory(tmp_path / "mine")
    assert directory.languages == ()
    assert directory.file("ha", "test") == directory.file("sw", "test") == path


def test_files_of_other_kinds_count_only_if_named_like_a_split(tmp_path):
    add(tmp_path, "sw/train", suffix=".txt")
    add(tmp_path, "sw/notes", suffix=".txt")
    add(tmp_path, "sw/extra")
    assert DataDirectory(tmp_path, [".conll", ".txt"]).splits("sw") == ("train", "extra")


@pytest.mark.parametrize(
    ("dataset", "num_languages", "num_files"),
    [("masakhaner2", 8, 24), ("panx", 39, 117), ("uner", 8, 18), ("wikigoldsk", 1, 3)],
)
def test_finds_every_real_file(dataset, num_languages, num_files):
    directory = DataDirectory(real_data(f"ner/{dataset}"))
    files = {directory.file(tag, s) for tag in directory.languages for s in directory.splits(tag)}
    assert len(directory.languages) == num_languages
    assert files == set(directory.path.rglob("*.conll"))
    assert len(files) == num_files
