import pytest

from tinyglot.data.tagged_rows import TaggedRows
from tinyglot.errors import DataFormatError


@pytest.mark.parametrize("word", [None, 5, "", " \t", ["Juma"], {"word": "Juma"}])
@pytest.mark.parametrize(("kind", "tag"), [("ner", "B-PER"), ("pos", "PROPN")])
def test_what_is_no_word_is_named(kind, tag, word):
    rows = TaggedRows(kind, None)
    rows.add(0, ["Juma"], [tag])
    rows.add(1, ["Juma", word], [tag, tag])
    with pytest.raises(DataFormatError, match=r"dev\.jsonl: 1 broken row") as caught:
        rows.sentences("dev.jsonl")
    assert caught.value.got == "row 1: a tag without a word"
