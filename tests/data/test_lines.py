import pytest

from tests.real_data import real_data
from tinyglot.data.lines import TextDirectory
from tinyglot.errors import DataNotFoundError, EmptyTextError

LINES = [f"mstari {number}" for number in range(400)]


@pytest.fixture
def texts(tmp_path):
    (tmp_path / "sw").mkdir()
    (tmp_path / "sw/a.txt").write_text("\n".join(LINES[:200]))
    (tmp_path / "sw/b.txt").write_text("\n".join(LINES[200:]) + "\n\n")
    (tmp_path / "ha.txt").write_text("layi\n")
    return tmp_path


def test_drawn_splits_share_out_every_line(texts):
    directory = TextDirectory(texts)
    assert directory.languages == ("hau-Latn", "swh-Latn")
    assert directory.splits("sw") == ("train", "dev", "test")
    parts = {split: list(directory.lines("sw", split)) for split in directory.splits("sw")}
    assert sorted(line for part in parts.values() for line in part) == sorted(LINES)
    assert [len(parts[split]) for split in ("train", "dev", "test")] == [355, 17, 28]


def test_equal_lines_are_in_the_same_split(texts):
    test = list(TextDirectory(texts).lines("sw", "test"))
    (texts / "sw/a.txt").write_text("\n".join(reversed(LINES)))
    assert set(TextDirectory(texts).lines("sw", "test")) == set(test)


def test_files_named_like_splits_are_the_splits(texts):
    (texts / "sw/validation.txt").write_text("mmoja\nmbili\n")
    directory = TextDirectory(texts)
    assert directory.splits("sw") == ("dev",)
    assert list(directory.lines("sw", "dev")) == ["mmoja", "mbili"]
    with pytest.raises(DataNotFoundError, match=r"'test' of swh-Latn[\s\S]*has dev"):
        list(directory.lines("sw", "test"))


def test_a_folder_or_a_file_will_do(texts):
    by_folder = list(TextDirectory(texts / "sw").lines("sw", "dev"))
    assert len(by_folder) == 17
    assert list(TextDirectory(texts / "ha.txt").lines("ha", "train")) == ["layi"]
    (texts / "sw/a.txt").rename(texts / "mine.txt")
    assert TextDirectory(texts / "mine.txt").languages == ()


def test_lists_what_is_there(texts):
    with pytest.raises(DataNotFoundError, match=r"text in yor-Latn[\s\S]*has hau-Latn, swh-Latn"):
        list(TextDirectory(texts).lines("yo", "dev"))
    (texts / "empty").mkdir()
    with pytest.raises(DataNotFoundError, match="the directory holds nothing"):
        TextDirectory(texts / "empty")
    with pytest.raises(DataNotFoundError, match="no such file or directory"):
        TextDirectory(texts / "absent")


def test_refuses_text_without_content(texts):
    (texts / "ha.txt").write_text("\n\n")
    with pytest.raises(EmptyTextError, match="no line with content"):
        list(TextDirectory(texts).lines("ha", "train"))


def test_lines_are_read_as_they_are_asked_for():
    lines = TextDirectory(real_data("text")).lines("zu", "train")
    assert len([next(lines) for _ in range(3)]) == 3
