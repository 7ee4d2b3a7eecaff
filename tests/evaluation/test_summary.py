import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from tinyglot.evaluation.summary import summarise


def rows(*cells, **columns):
    """One row for each (language, value, n)."""
    names = {"model": "m", "metric": "f1", "seed": 0, **columns}
    return pl.DataFrame(
        [
            {**names, "language": tag, "value": value, "n": n, "low": 0.0, "high": 1.0}
            for tag, value, n in cells
        ]
    )


THREE = rows(("swh-Latn", 0.9, 100), ("hau-Latn", 0.5, 300), ("yor-Latn", 0.7, 100))


def test_averages_and_worst_language():
    [row] = summarise(THREE).to_dicts()
    assert row["macro_average"] == pytest.approx(0.7)
    assert row["micro_average"] == pytest.approx((90 + 150 + 70) / 500)
    assert (row["worst_language"], row["worst_value"]) == ("hau-Latn", 0.5)
    assert (row["num_languages"], row["n"]) == (3, 500)


def test_keeps_the_columns_of_the_group():
    columns = summarise(THREE).columns
    assert columns[:3] == ["model", "metric", "seed"]
    assert not {"language", "value", "low", "high"} & set(columns)


def test_every_model_metric_and_seed_has_its_row():
    both = pl.concat(
        [THREE, rows(("swh-Latn", 0.2, 10), model="small"), rows(("a", 0.1, 1), seed=1)]
    )
    found = summarise(both).select("model", "seed", "macro_average").rows()
    assert [row[:2] for row in found] == [("m", 0), ("small", 0), ("m", 1)]
    assert found[1][2] == 0.2


def test_the_first_by_name_is_the_worst_among_equals():
    tied = rows(("yor-Latn", 0.5, 1), ("hau-Latn", 0.5, 1), ("swh-Latn", 0.6, 1))
    assert summarise(tied)["worst_language"].to_list() == ["hau-Latn"]


cells = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(0, 1), st.integers(1, 50)),
    min_size=1,
    unique_by=lambda cell: cell[0],
)


@given(cells, st.integers(2, 5))
def test_macro_average_does_not_change_with_the_examples_of_a_language(cells, times):
    first = cells[0]
    more = [(first[0], first[1], first[2] * times), *cells[1:]]
    macros = [summarise(rows(*c))["macro_average"][0] for c in (cells, more)]
    assert macros[0] == macros[1]


@given(cells)
def test_no_language_is_below_the_worst_and_averages_lie_between(cells):
    [row] = summarise(rows(*cells)).to_dicts()
    values = [value for _, value, _ in cells]
    assert row["worst_value"] == min(values)
    for name in ("macro_average", "micro_average"):
        assert min(values) - 1e-12 <= row[name] <= max(values) + 1e-12
