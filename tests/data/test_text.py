import gzip
import io
import json
import lzma

import polars
import pytest
import zstandard

from tinyglot.data.text import TextSource, is_held_out
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    EmptyTextError,
    TextEncodingError,
)

LINES = ["Habari ya leo", "ሰላም ነው", "  two  spaces ", "e\u0301 is not composed"]
TEXT = "Habari ya leo\n\n \t\r\nሰላም ነው\r\n  two  spaces \ne\u0301 is not composed"
COMPRESS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def lines_of(*paths):
    return list(TextSource(paths).lines())


def json_lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_plain_text_gives_its_lines_with_content(tmp_path, suffix):
    path = tmp_path / f"sw.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT.encode()))
    assert lines_of(path) == LINES


@pytest.mark.parametrize("suffix", COMPRESS)
def test_json_lines_give_every_line_of_their_text(tmp_path, suffix):
    path = tmp_path / f"sw.jsonl{suffix}"
    records = json_lines({"text": "a\nb\n\nc", "content": "no"}, {"id": 1, "content": "d"})
    path.write_bytes(COMPRESS[suffix](records + b"\n"))
    assert lines_of(path) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("name", ["text", "content"])
def test_parquet_gives_the_lines_of_its_text_column(tmp_path, name):
    path = tmp_path / "sw.parquet"
    polars.DataFrame({"id": [1, 2, 3, 4], name: ["a\nb", None, "", "c"]}).write_parquet(path)
    assert lines_of(path) == ["a", "b", "c"]


def test_byte_order_mark_is_not_text(tmp_path):
    path = tmp_path / "sw.txt"
    path.write_bytes(b"\xef\xbb\xbfHabari\n\xef\xbb\xbfleo\n")
    assert lines_of(path) == ["Habari", "\ufeffleo"]


def test_zstd_frames_that_follow_each_other_are_all_read(tmp_path):
    path = tmp_path / "sw.txt.zst"
    compress = zstandard.ZstdCompressor().compress
    path.write_bytes(compress(b"a\n") + compress(b"") + compress(b"b\n"))
    assert lines_of(path) == ["a", "b"]


def test_directory_is_read_recursively_in_the_order_of_names(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name, text in [("c.txt", "3"), ("b/b.jsonl", '{"text": "2"}'), ("a.txt", "1")]:
        (tmp_path / name).write_text(text)
    (tmp_path / "README.md").write_text("not text")
    (tmp_path / ".git" / "hidden.txt").write_text("not text")
    assert lines_of(tmp_path) == ["1", "2", "3"]


def test_paths_are_read_in_the_given_order(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    assert lines_of(tmp_path / "b.txt", tmp_path / "a.txt") == ["b.txt", "a.txt"]


def test_batches_have_the_wanted_size_and_the_rest(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1\n2\n3\n4\n5\n")
    assert list(TextSource((path,)).batches(2)) == [["1", "2"], ["3", "4"], ["5"]]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl.zst", "a.parquet"])
def test_reported_bytes_add_up_to_the_size_on_disk(tmp_path, name):
    path = tmp_path / name
    words = [f"line {number}" for number in range(9000)]
    if name == "a.parquet":
        polars.DataFrame({"text": words}).write_parquet(path)
    else:
        data = json_lines(*({"text": word} for word in words))
        path.write_bytes(COMPRESS.get(path.suffix, COMPRESS[""])(data))
    reports: list[int] = []
    source = TextSource((path,))
    assert sum(1 for _ in source.lines(reports.append)) == 9000
    assert len(reports) >= 3
    assert sum(reports) == source.num_bytes == path.stat().st_size


def test_missing_paths_are_reported_together(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"one\.txt\n +.*two\.txt[\s\S]*expected: .*\.zst"):
        TextSource((tmp_path / "one.txt", tmp_path, tmp_path / "two.txt"))


def test_directory_without_text_says_what_is_there(tmp_path):
    (tmp_path / "a.csv").write_text("a,b")
    with pytest.raises(DataNotFoundError, match=r"no text file[\s\S]*with a\.csv \(1 entries\)"):
        TextSource((tmp_path,))


def test_no_path_at_all_is_refused():
    with pytest.raises(DataNotFoundError, match=r"got: +no path"):
        TextSource(())


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_text_without_content_is_refused(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(EmptyTextError, match=rf"a\.txt \({len(text)} bytes\)"):
        lines_of(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_text_that_is_not_utf8_names_line_and_byte(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](b"good\ncaf\xe9 noir\n"))
    expected = r"byte 0xe9 in line 2 \(byte 8\)[\s\S]*iconv -f ISO-8859-1 -t UTF-8"
    with pytest.raises(TextEncodingError, match=expected):
        lines_of(path)


def test_utf16_text_is_recognised(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Habari\n".encode("utf-16"))
    with pytest.raises(TextEncodingError, match=r"byte 0xff in line 1[\s\S]*iconv -f UTF-16"):
        lines_of(path)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_cut_off_compression_is_an_error(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    whole = COMPRESS[suffix]("".join(f"{number**3}\n" for number in range(5000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TextEncodingError, match=rf"complete \{suffix} file"):
        lines_of(path)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_file_that_is_not_compressed_as_its_name_says_is_an_error(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    path.write_text("plain text")
    with pytest.raises(TextEncodingError, match=rf"a\.txt\{suffix}: its compression is damaged"):
        lines_of(path)


def test_damaged_parquet_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but nothing else")
    with pytest.raises(TextEncodingError, match=r"complete \.parquet file"):
        lines_of(path)


def test_parquet_without_text_lists_its_columns(tmp_path):
    path = tmp_path / "a.parquet"
    polars.DataFrame({"id": [1], "text": [2]}).write_parquet(path)
    with pytest.raises(DataFormatError, match=r"got: +id \(int64\), text \(int64\)"):
        lines_of(path)


def test_broken_json_lines_are_reported_together(tmp_path):
    path = tmp_path / "a.jsonl"
    good = '{"text": "good"}\n'
    path.write_text(good + "{\n[1]\n" + good + '{"title": "x"}\n{"text": "\\ud800"}\n')
    read = []
    kinds = ["line 2: ", r"line 3: [^\n]*a JSON list", r"line 5: [^\n]*title", "line 6: .*surrog"]
    expected = r"4 line\(s\)[\s\S]*" + r"[\s\S]*".join(kinds)
    with pytest.raises(DataFormatError, match=expected):
        read.extend(TextSource((path,)).lines())
    assert read == ["good", "good"]


def test_file_of_unknown_kind_is_refused(tmp_path):
    path = tmp_path / "a.docx"
    path.write_text("x")
    with pytest.raises(DataFormatError, match=r"a\.docx[\s\S]*\.txt, \.jsonl"):
        lines_of(path)


def test_long_zstd_file_is_read_completely(tmp_path):
    path = tmp_path / "a.txt.zst"
    words = [f"{number * 7919 % 100_003}" for number in range(400_000)]
    buffer = io.StringIO("\n".join(words))
    path.write_bytes(zstandard.ZstdCompressor().compress(buffer.read().encode()))
    assert lines_of(path) == words


def test_held_out_share_is_nested_and_about_right():
    lines = [f"sentence {number}" for number in range(20_000)]
    small = {line for line in lines if is_held_out(line, 0.05)}
    large = {line for line in lines if is_held_out(line, 0.2)}
    assert small < large
    assert (len(small), len(large)) == (970, 3878)


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (1.0, True)])
def test_held_out_share_of_nothing_and_of_everything(share, expected):
    assert {is_held_out(f"{number}", share) for number in range(100)} == {expected}
