import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyglot.data.splits import canonical_split, sliced, split_name, split_of_file
from tinyglot.errors import DataFormatError, EmptyTextError

TEN = list(range(10))


@pytest.mark.parametrize(
    ("split", "items"),
    [
        ("dev", TEN),
        ("dev[:80%]", TEN[:8]),
        ("dev[80%:]", TEN[8:]),
        ("test[2:5]", [2, 3, 4]),
        ("test[-3:]", [7, 8, 9]),
        ("test[-10%:]", [9]),
        ("my split[:1]", [0]),
        ("dev[:11]", TEN),
        ("dev[:25%]", [0, 1]),
    ],
)
def test_slices_are_those_of_datasets(split, items):
    assert sliced(TEN, split) == items


@given(st.integers(1, 200), st.integers(0, 100))
def test_two_parts_make_the_whole(size, percent):
    items = list(range(size))
    parts = []
    for split in (f"dev[:{percent}%]", f"dev[{percent}%:]"):
        try:
            parts += sliced(items, split)
        except EmptyTextError:
            continue
    assert parts == items


@pytest.mark.parametrize("split", ["dev[a:b]", "dev[:200%]", "dev[20]", "dev[::2]"])
def test_refuses_what_is_no_slice(split):
    with pytest.raises(DataFormatError, match="slice of the split") as caught:
        sliced(TEN, split)
    assert split in caught.value.problem


def test_refuses_an_empty_slice():
    with pytest.raises(EmptyTextError, match=r"nothing is in it[\s\S]*items 5 to 5 of 10"):
        sliced(TEN, "dev[5:5]")


def test_the_name_of_a_split_is_without_the_slice():
    assert split_name("validation[:80%]") == "validation"
    assert split_name("dev") == "dev"
    assert canonical_split("validation") == "dev"


@pytest.mark.parametrize(
    ("stem", "split"),
    [
        ("train", "train"),
        ("validation", "dev"),
        ("sk_snk-ud-test", "test"),
        ("notes", None),
        ("train-00000-of-00001", None),
    ],
)
def test_files_are_named_like_splits(stem, split):
    assert split_of_file(stem) == split
