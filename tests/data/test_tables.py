import json

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tests.real_data import real_data
from tinyglot.data.columns import examples_of
from tinyglot.data.examples import LabelledText, Parallel
from tinyglot.data.tables import read_table
from tinyglot.errors import DataFormatError, DataNotFoundError, EmptyTextError


@pytest.fixture
def table(tmp_path):
    def make(text, name="dev.tsv"):
        path = tmp_path / name
        path.write_text(text, "utf-8", newline="")
        return read_table(path)

    return make


def texts(table):
    return [example.texts[0] for example in examples_of("text", table)]


# --- quoting -----------------------------------------------------------------------------------


def test_raw_quotation_marks_stay_in_tsv(table):
    content = 'label\ttext\npos\t"Safi" sana\nneg\tsi "nzuri\npos\t"Safi"\n'
    assert texts(table(content)) == ['"Safi" sana', 'si "nzuri', '"Safi"']


def test_tsv_that_is_quoted_as_csv_is_unquoted(table):
    content = 'label\ttext\npos\t"""Safi"" sana"\nneg\tsi nzuri\n'
    assert texts(table(content)) == ['"Safi" sana', "si nzuri"]


def test_a_quoted_cell_may_hold_tabs_and_line_breaks(table):
    content = 'label\ttext\npos\t"a\tb\nc"\nneg\td\n'
    assert texts(table(content)) == ["a\tb\nc", "d"]


def test_tsv_with_every_cell_quoted(table):
    assert texts(table('"label"\t"text"\n"pos"\t"Safi"\n')) == ["Safi"]


def test_csv_is_quoted(table):
    assert texts(table('label,text\npos,"a, ""b"""\n', "dev.csv")) == ['a, "b"']


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('text,label\n"abc,pos\ndef,neg\n"ghi",neg\n', "',' expected after '\"': line 4"),
        ('text,label\nabc,pos\n"def,neg\nghi,neg\n', "unexpected end of data: line 4"),
        ('text,label\n"hello" he said,pos\n', "',' expected after '\"': line 2"),
        ('"text,label\nabc,pos\n', "unexpected end of data: line 2"),
    ],
)
def test_marks_that_are_no_quoting_are_refused_in_csv(table, content, text):
    with pytest.raises(DataFormatError, match=r"dev\.csv: 1 broken line") as caught:
        examples_of("text", table(content, "dev.csv"))
    assert text in caught.value.got


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_that_is_closed_in_another_row_of_tsv_is_text(table, end):
    lines = ["label\ttext", 'pos\t"one', 'neg\ttwo"', "pos\tthree"]
    found = examples_of("text", table(end.join([*lines, ""])))
    assert [(e.label, e.texts[0]) for e in found] == [
        ("pos", '"one'),
        ("neg", 'two"'),
        ("pos", "three"),
    ]


@pytest.mark.parametrize(("name", "mark"), [("dev.tsv", "\t"), ("dev.csv", ",")])
def test_refuses_two_columns_of_one_name(table, name, mark):
    with pytest.raises(DataFormatError, match=r"columns have the same name[\s\S]*text more than"):
        table(mark.join(["text", "label", "text "]) + "\n" + mark.join("abc") + "\n", name)


def test_line_numbers_are_those_of_the_file(table):
    content = 'label,text\npos,"a\nb"\n,c\n'
    with pytest.raises(DataFormatError, match="no value for 'label': line 4"):
        examples_of("text", table(content, "dev.csv"))


# --- columns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [("label", "text"), ("category", "headline"), ("class", "tweet")]
)
def test_usual_names_of_columns_are_known(table, columns):
    content = "\t".join(columns) + "\nsports\tGoli!\n"
    assert examples_of("text", table(content)) == [LabelledText(("Goli!",), "sports")]


def test_pairs_have_two_texts(table):
    content = "sentence1\tsentence2\tlabel\nA\tB\t1\n"
    assert examples_of("pair", table(content)) == [LabelledText(("A", "B"), "1")]


def test_given_columns_go_before_the_usual_names(table):
    content = "text\tclean\tlabel\nA!\tA\tx\n"
    found = examples_of("text", table(content), {"text": "clean", "label": "not there"})
    assert found == [LabelledText(("A",), "x")]


def test_parallel_columns(table):
    content = "source_sentence\ttarget_sentence\nHabari\tHello\n"
    assert examples_of("parallel", table(content)) == [Parallel("Habari", "Hello")]


def test_lists_the_columns_when_one_is_missing(table):
    with pytest.raises(DataFormatError, match=r"column\(s\) for second, label in .*dev\.tsv") as e:
        examples_of("pair", table("premise\thypothese\tgold\nA\tB\tx\n"))
    assert e.value.got == "columns premise, hypothese, gold"
    assert e.value.expected.splitlines()[0].startswith("second: hypothesis | sentence2")


def test_all_broken_lines_are_listed(table):
    content = "label\ttext\npos\tA\nB\npos\tC\textra\n\t D\nnan\tE\npos\t \n"
    with pytest.raises(DataFormatError, match="5 broken line") as caught:
        examples_of("text", table(content))
    assert sorted(caught.value.got.splitlines()) == [
        "1 column(s), not 2: line 3",
        "3 column(s), not 2: line 4",
        "no value for 'label': lines 5-6",
        "no value for 'text': line 7",
    ]


# --- JSON lines and parquet --------------------------------------------------------------------


def test_json_lines(table):
    rows = [{"text": "A", "label": "x"}, {"label": 1, "text": "B"}]
    content = "\n".join(map(json.dumps, rows))
    found = examples_of("text", table(content, "dev.jsonl"))
    assert found == [LabelledText(("A",), "x"), LabelledText(("B",), "1")]


def test_broken_json_lines_are_listed_with_missing_and_nan_labels(table):
    lines = [
        '{"text": "A", "label": "x"}',
        "{",
        '{"text": "A"}',
        '{"text": "A", "label": NaN}',
        "1",
    ]
    with pytest.raises(DataFormatError, match="4 broken line") as caught:
        examples_of("text", table("\n".join(lines), "dev.jsonl"))
    assert "no value for 'label': lines 3-4" in caught.value.got
    assert "no JSON (Expecting property name enclosed in double quotes): line 2" in caught.value.got
    assert "JSON, but no object: line 5" in caught.value.got


def test_json_lines_that_are_all_broken_are_listed(table):
    with pytest.raises(DataFormatError, match="2 broken line") as caught:
        examples_of("text", table('"text"\n\n{\n', "dev.jsonl"))
    assert "JSON, but no object: line 1" in caught.value.got
    assert "no JSON (Expecting property name enclosed in double quotes): line 3" in caught.value.got


@pytest.mark.parametrize("cell", [["a", "b"], {"a": "b"}, []])
@pytest.mark.parametrize("column", ["text", "label"])
def test_lists_and_objects_are_no_value(table, cell, column):
    row = {"text": "A", "label": "x"} | {column: cell}
    with pytest.raises(DataFormatError, match=f"no value for '{column}': line 1"):
        examples_of("text", table(json.dumps(row), "dev.jsonl"))


@pytest.mark.parametrize("labels", [[0, 1], [1, -1]])
def test_class_labels_of_parquet_have_names_and_hidden_ones_are_no_label(tmp_path, labels):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])})
    path = tmp_path / "dev.parquet"
    Dataset.from_dict({"text": ["A", "B"], "label": labels}, features=features).to_parquet(path)
    if -1 in labels:
        with pytest.raises(DataFormatError, match="no value for 'label': row 1"):
            examples_of("text", read_table(path))
    else:
        found = examples_of("text", read_table(path))
        assert found == [LabelledText(("A",), "neg"), LabelledText(("B",), "pos")]


def test_refuses_damaged_parquet(tmp_path):
    (tmp_path / "dev.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataFormatError, match="damaged or no parquet"):
        read_table(tmp_path / "dev.parquet")


def test_refuses_parquet_with_a_damaged_page(tmp_path):
    path = tmp_path / "dev.parquet"
    rows = {"text": [f"text {i}" for i in range(99)], "label": ["x"] * 99}
    Dataset.from_dict(rows).to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 200 + content[204:])
    opened = read_table(path)
    with pytest.raises(DataFormatError, match=r"dev\.parquet: it is damaged") as caught:
        examples_of("text", opened)
    assert "(after 0 rows)" in caught.value.got


@pytest.mark.parametrize("name", ["dev.tsv", "dev.csv", "dev.jsonl"])
def test_refuses_an_empty_file(table, name):
    with pytest.raises(EmptyTextError, match="it is empty"):
        table("", name)


def test_refuses_a_header_alone(table):
    with pytest.raises(EmptyTextError, match="it has no row"):
        examples_of("text", table("label\ttext\n"))


@pytest.mark.parametrize("name", ["dev.tsv", "dev.parquet"])
def test_refuses_a_missing_file(tmp_path, name):
    with pytest.raises(DataNotFoundError, match="no such file"):
        read_table(tmp_path / name)


def test_refuses_another_kind_of_file(tmp_path):
    with pytest.raises(DataFormatError, match=r"\.xlsx"):
        read_table(tmp_path / "dev.xlsx")


def test_sib200_is_unquoted():
    found = texts(read_table(real_data("topic/sib200/eng_Latn/train.tsv")))
    assert len(found) == 701
    assert found[11].startswith('"She’s very cute and sings quite well, too," he said')
