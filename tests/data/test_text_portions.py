import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyglot.data.lines import TextDirectory
from tinyglot.data.text import sample_lines
from tinyglot.data.text_portions import TextPortion
from tinyglot.errors import DataNotFoundError, EmptyTextError

NAMES = ("train", "dev", "test")
LINES = [f"mstari {number}" for number in range(400)]


@pytest.fixture
def text(tmp_path):
    (tmp_path / "sw/more").mkdir(parents=True)
    (tmp_path / "sw/a.txt").write_text("\n".join(LINES[:200]))
    (tmp_path / "sw/more/b.jsonl").write_text(
        "\n".join(f'{{"text": "{line}"}}' for line in LINES[200:])
    )
    return tmp_path / "sw"


def test_portions_share_out_every_line(text):
    portions = [list(TextPortion((text,), name).lines()) for name in NAMES]
    assert sorted(line for lines in portions for line in lines) == sorted(LINES)
    assert [len(lines) for lines in portions] == [355, 17, 28]


def test_portions_are_the_splits_of_the_masked_lm_task(text):
    (text / "more/b.jsonl").unlink()
    for name in NAMES:
        lines = list(TextPortion((text,), name).lines())
        assert lines == list(TextDirectory(text).lines("sw", name))


@given(st.lists(st.text("abc ", min_size=1).filter(str.strip), min_size=1, max_size=20))
def test_a_line_is_in_one_portion_whatever_surrounds_it(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("text") / "a.txt"
    path.write_text("\n".join([*lines, *LINES]))
    found = {name: set(TextPortion((path,), name).lines()) for name in NAMES}
    path.write_text("\n".join([*LINES, *lines[:1]]))
    assert [lines[0] in found[name] for name in NAMES].count(True) == 1
    assert all(
        (lines[0] in found[name]) == (lines[0] in set(TextPortion((path,), name).lines()))
        for name in NAMES
    )


def test_files_named_like_splits_are_the_portions(text):
    for name in ("train", "validation", "test"):
        (text / f"{name}.txt").write_text(f"{name} moja\n")
    assert list(TextPortion((text,), "dev").lines()) == ["validation moja"]
    assert TextPortion((text,), "dev").num_bytes == len("validation moja\n")


def test_bytes_add_up(text):
    seen = []
    portion = TextPortion((text,), "dev")
    assert len(list(portion.lines(seen.append))) == 17
    assert sum(seen) == portion.num_bytes == 2_089 + 4_599


def test_samples_are_of_the_portion(text):
    dev = TextPortion((text,), "dev")
    assert set(sample_lines(dev, 5, seed=0)) < set(dev.lines())


def test_refuses_text_of_which_nothing_is_held_out(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("mstari 0\nmstari 1\n")
    with pytest.raises(
        EmptyTextError, match=r"dev portion[\s\S]*a\.txt falls in it[\s\S]*dev\.txt"
    ):
        list(TextPortion((path,), "dev").lines())
    assert len(list(TextPortion((path,), "train").lines())) == 2


def test_refuses_a_portion_without_a_file(tmp_path):
    (tmp_path / "train.txt").write_text("mstari 0\n")
    with pytest.raises(EmptyTextError, match=r"test portion[\s\S]*files for train only"):
        list(TextPortion((tmp_path,), "test").lines())
    with pytest.raises(DataNotFoundError, match=r"no such file[\s\S]*absent"):
        list(TextPortion((tmp_path / "absent",), "test").lines())
