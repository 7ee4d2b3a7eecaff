import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studies.rows_by_hand import record, rows
from tinyglot.errors import ComparisonError, DataFormatError, DataNotFoundError
from tinyglot.studies.rows import SCHEMA, check_study_rows, read_rows, to_rows, write_rows

RECORDS = [
    record(tag, 0.5, seed=seed, sparsity=sparsity)
    for tag in ("swh-Latn", "yor-Latn")
    for seed in (0, 1)
    for sparsity in (0.0, 0.5)
]


@given(st.permutations(RECORDS))
def test_the_order_of_the_records_does_not_matter(shuffled):
    found = to_rows(shuffled)
    assert found.equals(to_rows(RECORDS))
    assert dict(found.schema) == SCHEMA


def test_no_records_are_rows_of_the_same_columns():
    assert dict(to_rows([]).schema) == SCHEMA


def test_rows_survive_their_file_in_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_rows(rows(*RECORDS), tmp_path / name / "results.parquet")
    assert read_rows(tmp_path / "a").equals(rows(*RECORDS))
    assert read_rows(tmp_path / "a" / "results.parquet").equals(rows(*RECORDS))
    first, second = (tmp_path.joinpath(name, "results.parquet").read_bytes() for name in "ab")
    assert first == second


def test_a_record_with_other_columns_is_refused():
    changed = {name: value for name, value in RECORDS[0].items() if name != "seed"}
    with pytest.raises(DataFormatError, match=r"missing: seed; unknown: sede[\s\S]*SCHEMA"):
        to_rows([{**changed, "sede": 1}])


def test_a_value_of_another_type_is_refused():
    with pytest.raises(DataFormatError, match=r"not of its column's type[\s\S]*many"):
        to_rows([{**RECORDS[0], "n": "many"}])


def test_a_missing_score_is_refused():
    with pytest.raises(DataFormatError, match=r"got: +1 in value\n.*null only in embeddings"):
        to_rows([*RECORDS[1:], {**RECORDS[0], "value": None}])


def test_rows_of_two_versions_of_a_cell_are_refused():
    with pytest.raises(
        ComparisonError, match=r"2 rows, such as \('[^\n]*'swh-Latn'[\s\S]*one version"
    ):
        to_rows([*RECORDS, {**RECORDS[0], "key": "new"}])


def test_other_columns_are_refused():
    with pytest.raises(DataFormatError, match=r"missing: key; other: n Int32"):
        check_study_rows(rows(*RECORDS).drop("key").cast({"n": pl.Int32}))


def test_a_study_that_has_not_run_says_what_to_run(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"results\.parquet\n[\s\S]*tinyglot study run"):
        read_rows(tmp_path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "results.parquet"
    path.write_text("not at all")
    with pytest.raises(DataFormatError, match=r"the file is no parquet[\s\S]*results\.parquet:"):
        read_rows(path)
