import pytest

from tests.real_data import real_data
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.conllu import read_conllu
from tinyglot.errors import DataFormatError, DataNotFoundError, EmptyTextError, TextEncodingError

REST = "\t_\t_\t_\t_\t_\t_"
SENTENCE = f"""# sent_id = 1
# text = aby odišiel #1
1-2\taby\t_\t_{REST}
1\ta\ta\tCCONJ{REST}
2\tby\tby\tAUX{REST}
2.1\tšiel\tísť\tVERB{REST}
3\t#1\t#1\tSYM{REST}

"""


@pytest.fixture
def conllu(tmp_path):
    def make(text, name="dev.conllu"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def test_ranges_empty_nodes_and_comments_are_left_out(conllu):
    sentence = TaggedSentence(("a", "by", "#1"), ("CCONJ", "AUX", "SYM"))
    assert read_conllu(conllu(SENTENCE)) == [sentence]


def test_the_last_sentence_needs_no_blank_line(conllu):
    assert len(read_conllu(conllu((SENTENCE * 2).rstrip("\n")))) == 2


def test_words_may_hold_spaces(conllu):
    sentences = read_conllu(conllu(f"1\t10 000\t_\tNUM{REST}\r\n\r\n"))
    assert sentences == [TaggedSentence(("10 000",), ("NUM",))]


@pytest.mark.parametrize("separator", ["\t", " "])
def test_two_columns_as_in_masakhapos(conllu, separator):
    text = "Ọjọ́ NOUN\n# SYM\n#Uhuru PROPN\n. PUNCT\n\n".replace(" ", separator)
    sentence = TaggedSentence(("Ọjọ́", "#", "#Uhuru", "."), ("NOUN", "SYM", "PROPN", "PUNCT"))
    assert read_conllu(conllu(text, "dev.txt")) == [sentence]


def test_all_broken_lines_are_listed(conllu):
    text = (
        f"1\tmä\t_\tNOUNS{REST}\n2\tx\t_\t_{REST}\n3\t\t_\tX{REST}\nx\ty\t_\tX{REST}\n\nalone\n\n"
    )
    with pytest.raises(DataFormatError, match=r"5 broken line") as caught:
        read_conllu(conllu(text))
    assert caught.value.got.splitlines() == [
        "illegal UPOS 'NOUNS': line 1",
        "illegal UPOS '_': line 2",
        "a tag without a word: line 3",
        "illegal number 'x' of a word: line 4",
        "one column, no tag: line 6",
    ]


def test_refuses_entity_tags(conllu):
    with pytest.raises(DataFormatError, match=r"illegal UPOS 'B-PER': line 1[\s\S]*ADJ ADP"):
        read_conllu(conllu("Juma\tB-PER\n"))


def test_refuses_a_file_without_words(conllu):
    with pytest.raises(EmptyTextError, match="no line holds a word"):
        read_conllu(conllu("# only = a comment\n\n"))


def test_refuses_a_missing_file_and_one_that_is_not_utf8(conllu, tmp_path):
    with pytest.raises(DataNotFoundError, match="no such file"):
        read_conllu(tmp_path / "absent.conllu")
    with pytest.raises(TextEncodingError, match=r"byte 0xe4 on line 2"):
        read_conllu(conllu(f"# x\n1\tm\xe4\t_\tNOUN{REST}\n".encode("latin-1")))


@pytest.mark.parametrize(
    ("file", "num_sentences", "num_words"),
    [
        ("UD_Slovak-SNK/test", 700, 8174),
        ("UD_Tamil-TTB/test", 120, 1989),
        ("MasakhaPOS-swa/dev", 138, 3817),
    ],
)
def test_reads_as_many_words_as_grep_counts(file, num_sentences, num_words):
    sentences = read_conllu(real_data(f"pos/{file}.conllu"))
    assert len(sentences) == num_sentences
    assert sum(len(sentence.words) for sentence in sentences) == num_words
