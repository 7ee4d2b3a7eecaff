import pytest

from tests.real_data import real_data
from tinyglot.data.examples import Parallel
from tinyglot.data.parallel import ParallelDirectory
from tinyglot.errors import DataFormatError, DataNotFoundError, UnknownLanguageError


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


@pytest.fixture
def tatoeba(tmp_path):
    write(tmp_path / "swh/swh.txt", "Habari", "Asante")
    write(tmp_path / "swh/eng.txt", "Hello", "Thank you")
    return tmp_path


@pytest.fixture
def bucc(tmp_path):
    write(tmp_path / "de-en.test.de", "de-1\tHallo", "de-2\tDanke", "de-3\tAllein")
    write(tmp_path / "de-en.test.en", "en-7\tAlone too", "en-8\tThank you", "en-9\tHello")
    write(tmp_path / "de-en.test.gold", "de-1\ten-9", "de-2\ten-8")
    return tmp_path


def test_lines_of_two_files_are_pairs(tatoeba):
    directory = ParallelDirectory(tatoeba)
    assert directory.languages == ("swh-Latn",)
    assert directory.splits("sw") == ("test",)
    assert directory.read("sw", "test") == [
        Parallel("Habari", "Hello"),
        Parallel("Asante", "Thank you"),
    ]


def test_the_folder_of_one_language_will_do(tatoeba):
    assert len(ParallelDirectory(tatoeba / "swh").read("swa", "test")) == 2


def test_refuses_files_of_different_lengths(tatoeba):
    write(tatoeba / "swh/eng.txt", "Hello")
    with pytest.raises(DataFormatError, match=r"swh\.txt and .*eng\.txt[\s\S]*2 and 1 lines"):
        ParallelDirectory(tatoeba).read("sw", "test")


def test_blank_lines_are_listed(tatoeba):
    write(tatoeba / "swh/swh.txt", "", "Asante")
    with pytest.raises(DataFormatError, match="a blank line: line 1"):
        ParallelDirectory(tatoeba).read("sw", "test")


def test_bucc_gives_pairs_first_then_what_has_no_translation(bucc):
    assert ParallelDirectory(bucc).read("de", "test") == [
        Parallel("Hallo", "Hello"),
        Parallel("Danke", "Thank you"),
        Parallel("Allein", None),
        Parallel(None, "Alone too"),
    ]


def test_bucc_may_have_a_folder_a_pair_and_several_splits(bucc, tmp_path):
    for name in ("de", "en", "gold"):
        (bucc / f"de-en.test.{name}").rename(tmp_path / f"de-en.dev.{name}")
    write(tmp_path / "fr-en/fr-en.test.gold")
    directory = ParallelDirectory(tmp_path)
    assert directory.languages == ("deu-Latn", "fra-Latn")
    assert directory.splits("de") == ("dev",)


def test_ids_without_a_sentence_are_listed(bucc):
    write(bucc / "de-en.test.gold", "de-1\ten-9", "de-4\ten-8", "de-1 en-9")
    with pytest.raises(DataFormatError, match=r"de-en\.test\.gold: 2 broken line") as caught:
        ParallelDirectory(bucc).read("de", "test")
    assert set(caught.value.got.splitlines()) == {
        "not two columns: line 3",
        "no sentence has the id de-4: line 2",
    }


def test_pairs_that_are_there_twice_are_listed(bucc):
    write(bucc / "de-en.test.gold", "de-1\ten-9", "de-2\ten-8", "de-1\ten-9")
    with pytest.raises(DataFormatError, match="a pair that is there twice: line 3"):
        ParallelDirectory(bucc).read("de", "test")


def test_ids_that_are_there_twice_are_listed(bucc):
    write(bucc / "de-en.test.de", "de-1\tHallo", "de-1\tDanke")
    with pytest.raises(DataFormatError, match="an id that is there twice: line 2"):
        ParallelDirectory(bucc).read("de", "test")


def test_lists_what_is_there(tatoeba):
    directory = ParallelDirectory(tatoeba)
    with pytest.raises(DataNotFoundError, match=r"text in yor-Latn[\s\S]*has swh-Latn"):
        directory.read("yo", "test")
    with pytest.raises(DataNotFoundError, match=r"'train' of swh-Latn[\s\S]*has test in this"):
        directory.read("sw", "train")
    with pytest.raises(UnknownLanguageError, match="qqqq"):
        directory.splits("qqqq")
    write(tatoeba / "other/notes.txt", "x")
    with pytest.raises(DataNotFoundError, match=r"parallel text in .*[\s\S]*holds notes\.txt"):
        ParallelDirectory(tatoeba / "other")
    with pytest.raises(DataNotFoundError, match="no such directory"):
        ParallelDirectory(tatoeba / "absent")


def test_reads_every_real_language():
    path = real_data("retrieval/tatoeba")
    directory = ParallelDirectory(path)
    folders = sorted(child.name for child in path.iterdir())
    assert len(directory.languages) == len(folders) == 57
    counts = [len(directory.read(name, "test")) for name in folders]
    assert counts == [len((path / n / "eng.txt").read_text().splitlines()) for n in folders]
