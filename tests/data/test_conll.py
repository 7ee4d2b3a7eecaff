import errno
import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.real_data import real_data
from tinyglot.data.conll import TaggedSentence, read_conll, read_conll_file, write_conll
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    DiskFullError,
    EmptyTextError,
    TextEncodingError,
)

JUMA = TaggedSentence(("Juma", "anaishi", "Dar", "es", "Salaam"), ("B-PER", "O") + ("B-LOC",) * 3)


@pytest.fixture
def conll(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "train.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- good input --------------------------------------------------------------------------------


def test_reads_words_and_tags(conll):
    path = conll("Juma\tB-PER\nanaishi\tO\n\nMombasa\tB-LOC\n")
    assert read_conll(path) == [
        TaggedSentence(("Juma", "anaishi"), ("B-PER", "O")),
        TaggedSentence(("Mombasa",), ("B-LOC",)),
    ]


def test_takes_first_and_last_of_columns_separated_by_spaces(conll):
    path = conll("U.N. NNP  I-NP I-ORG\nofficial NN I-NP O\n")
    assert read_conll(path) == [TaggedSentence(("U.N.", "official"), ("B-ORG", "O"))]


def test_words_may_hold_spaces_between_tabs(conll):
    assert read_conll(conll("Hồ Chí Minh\tB-PER\n"))[0].words == ("Hồ Chí Minh",)


def test_only_ascii_spaces_separate_columns(conll):
    assert read_conll(conll("a\u00a0b O\nc\u3000d O\n"))[0].words == ("a\u00a0b", "c\u3000d")


def test_only_line_feeds_separate_lines(conll):
    words = ("a\u2028b", "c\x85d", "e\x0cf", "g\x9d")
    assert read_conll(conll("".join(f"{word}\tO\n" for word in words)))[0].words == words


def test_carriage_returns_and_a_byte_order_mark_are_left_out(conll):
    path = conll(b"\xef\xbb\xbfJuma\tB-PER\r\n\r\nalisema\tO\r\n")
    assert [sentence.words for sentence in read_conll(path)] == [("Juma",), ("alisema",)]


def test_document_starts_are_no_words(conll):
    path = conll("-DOCSTART- -X- -X- O\n\nJuma NNP I-NP B-PER\n-DOCSTART- -X- -X- O\nni V I-VP O\n")
    assert [sentence.words for sentence in read_conll(path)] == [("Juma",), ("ni",)]


def test_comments_before_a_sentence_are_left_out(conll):
    path = conll("# sent_id = 1\n# text = # Juma\n#\tO\nJuma\tB-PER\n\n# end\nni\tO\n")
    assert [sentence.words for sentence in read_conll(path)] == [("#", "Juma"), ("ni",)]


def test_a_comment_may_end_like_a_tag_if_tabs_separate_columns(conll):
    assert read_conll(conll("# text = class O\nJuma\tB-PER\n"))[0].words == ("Juma",)


def test_the_word_hash_with_a_tag_behind_a_space_is_a_word(conll):
    assert read_conll(conll("# O\nJuma B-PER\n"))[0].words == ("#", "Juma")


def test_reads_the_five_columns_of_universal_ner(conll):
    path = conll("# text = Juma ni\n1\tJuma\tB-PER\t-\tannotator\n2\tni\tO\t-\t-\n")
    assert read_conll(path) == [TaggedSentence(("Juma", "ni"), ("B-PER", "O"))]


def test_the_language_before_each_word_of_panx_is_left_out(conll):
    path = conll("sw:Juma\tB-PER\nsw::\tO\n\nsw:ni\tO\n")
    assert [sentence.words for sentence in read_conll(path)] == [("Juma", ":"), ("ni",)]


def test_a_prefix_with_nothing_behind_it_is_a_word(conll):
    assert read_conll(conll("sw:Juma\tB-PER\nsw:\tO\n"))[0].words == ("sw:Juma", "sw:")


def test_a_prefix_that_only_some_words_have_stays(conll):
    assert read_conll(conll("sw:Juma\tB-PER\nni\tO\n"))[0].words == ("sw:Juma", "ni")


def test_a_file_in_iob1_is_converted_and_named(conll):
    file = read_conll_file(conll("Ana I-PER\nBen B-PER\nni O\nDar I-LOC\nes I-LOC\n"))
    assert file.sentences[0].tags == ("B-PER", "B-PER", "O", "B-LOC", "I-LOC")
    assert (file.scheme, file.num_spans, file.num_repaired) == ("IOB1", 3, 0)


def test_illegal_transitions_are_counted(conll):
    file = read_conll_file(conll("Ana\tB-PER\nni\tO\nDar\tI-LOC\n"))
    assert file.sentences[0].tags == ("B-PER", "O", "B-LOC")
    assert (file.scheme, file.num_spans, file.num_repaired) == ("IOB2", 2, 1)
    assert file.repaired_lines == (1,)


def test_sentences_with_illegal_transitions_are_found_by_their_first_line(conll):
    file = read_conll_file(conll("Ana B-PER\n\nni O\nDar I-LOC\nes I-PER\n\n\nDar I-LOC\n"))
    assert (file.num_repaired, file.repaired_lines) == (3, (3, 8))


# --- bad input ---------------------------------------------------------------------------------


def test_names_the_lines_with_one_column(conll):
    path = conll("Juma\tB-PER\nanaishi\nMombasa\tB-LOC\n")
    with pytest.raises(DataFormatError, match=r"1 broken line[\s\S]*one column, no tag: line 2\n"):
        read_conll(path)


def test_names_the_lines_with_an_illegal_tag(conll):
    path = conll("Juma\tX-PER\nni\tO\n\nAna\tX-PER\n")
    expected = r"illegal tag 'X-PER': lines 1, 4\n[\s\S]*B-TYPE"
    with pytest.raises(DataFormatError, match=expected):
        read_conll(path)


def test_names_the_lines_of_sentences_without_labels(conll):
    path = conll("Juma\tB-PER\n\nanaishi\nMombasa\n\nni\tO\n\nleo\n")
    expected = r"3 broken line[\s\S]*a sentence without labels: lines 3-4, 8\n"
    with pytest.raises(DataFormatError, match=expected):
        read_conll(path)


def test_names_the_lines_with_a_tag_and_no_word(conll):
    with pytest.raises(DataFormatError, match="a tag without a word: line 2\n"):
        read_conll(conll("Juma\tB-PER\n\tO\n"))


def test_reports_all_broken_lines_at_once(conll):
    path = conll("Juma\tB-PER\nni\n\nmwalimu\n\nAna\tPER\n\tO\n")
    with pytest.raises(DataFormatError, match="4 broken line") as caught:
        read_conll(path)
    assert caught.value.got.splitlines() == [
        "one column, no tag: line 2",
        "a sentence without labels: line 4",
        "illegal tag 'PER': line 6",
        "a tag without a word: line 7",
    ]


def test_sums_up_many_kinds_of_illegal_tags(conll):
    path = conll("".join(f"w\tword{number}\n" for number in range(30)))
    with pytest.raises(DataFormatError, match=r"30 broken[\s\S]*and 10 more, of 10 other kinds"):
        read_conll(path)


def test_does_not_mix_iobes_with_bilou(conll):
    path = conll("Juma\tS-PER\nna\tO\nAna\tU-PER\n")
    with pytest.raises(
        DataFormatError, match=r"'S-PER' \(IOBES\) and 'U-PER' \(BILOU\): lines 1, 3"
    ):
        read_conll(path)


def test_says_where_a_file_is_not_utf8(conll):
    path = conll("Juma\tB-PER\nniño\tO\n".encode("latin-1"))
    with pytest.raises(TextEncodingError, match=r"0xf1 on line 2 \(byte 13\)"):
        read_conll(path)


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n", "-DOCSTART- O\n\n"])
def test_refuses_a_file_without_words(conll, content):
    with pytest.raises(EmptyTextError, match=rf"no line holds a word[\s\S]*{len(content)} char"):
        read_conll(conll(content))


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"absent\.conll: there is no such file"):
        read_conll(tmp_path / "absent.conll")


def test_refuses_words_and_tags_that_differ_in_number():
    with pytest.raises(DataFormatError, match=r"2 word\(s\) and 1 tag"):
        TaggedSentence(("Juma", "ni"), ("O",))


def test_refuses_a_sentence_without_words():
    with pytest.raises(DataFormatError, match=r"0 word\(s\) and 0 tag"):
        TaggedSentence((), ())


# --- writing -----------------------------------------------------------------------------------


def test_writes_word_tab_tag_and_a_blank_line(tmp_path):
    write_conll(tmp_path / "a.conll", [TaggedSentence(("Juma", "ni"), ("B-PER", "O"))] * 2)
    assert (tmp_path / "a.conll").read_text() == "Juma\tB-PER\nni\tO\n\n" * 2


@st.composite
def sentences(draw):
    """Words of any characters; the capital at their beginning is no language of PAN-X."""
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"))
    words = draw(st.lists(text.map(lambda word: f"W{word}".strip(" ")), min_size=1, max_size=5))
    tags = st.sampled_from(["O", "B-PER", "B-LOC", "B-GEO-POL"])
    return TaggedSentence(tuple(words), tuple(draw(tags) for _ in words))


@given(st.lists(sentences(), min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("conll") / "a.conll"
    write_conll(path, written)
    assert read_conll(path) == written


@pytest.mark.parametrize("word", ["", "a\tb", "a\nb", "a\r", " a", "-DOCSTART-"])
def test_refuses_to_write_a_word_that_could_not_be_read(tmp_path, word):
    with pytest.raises(DataFormatError, match=re.escape(repr(word))):
        write_conll(tmp_path / "a.conll", [TaggedSentence((word,), ("O",))])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tag", ["PER", "B-A\n", "B-A\tB"])
def test_refuses_to_write_an_illegal_tag(tmp_path, tag):
    with pytest.raises(DataFormatError, match=re.escape(repr(tag))):
        write_conll(tmp_path / "a.conll", [TaggedSentence(("Juma",), (tag,))])


def test_refuses_to_write_nothing(tmp_path):
    with pytest.raises(EmptyTextError, match="0 sentences"):
        write_conll(tmp_path / "a.conll", [])


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.conll"
    write_conll(path, [JUMA])
    before = path.read_bytes()

    def no_space(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(DiskFullError, match="the disk is full"):
        write_conll(path, [JUMA, JUMA])
    assert path.read_bytes() == before


# --- real data ---------------------------------------------------------------------------------


def test_reads_a_real_file_completely():
    path = real_data("ner/masakhaner2/swa/dev.conll")
    text = path.read_text(encoding="utf-8")
    file = read_conll_file(path)
    assert len(file.sentences) == len(text.strip().split("\n\n"))
    assert sum(len(s.words) for s in file.sentences) == sum("\t" in ln for ln in text.split("\n"))


def test_counts_the_illegal_transitions_of_wikiann_in_japanese():
    """424 in the three files, as `awk` counts them without tinyglot."""
    files = [real_data(f"ner/panx/ja/{split}.conll") for split in ("train", "dev", "test")]
    assert sum(read_conll_file(path).num_repaired for path in files) == 424


@pytest.mark.slow
def test_reads_every_real_file():
    files = sorted(real_data("ner").rglob("*.conll"))
    read = [read_conll_file(path) for path in files]
    assert len(files) == 162
    assert sum(file.num_repaired for file in read) == 856
    assert sum(len(s.words) for file in read for s in file.sentences) == 4_621_112
