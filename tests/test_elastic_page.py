"""The page of the elastic study shows what the result file says."""

from benchmarks import elastic_page
from tinyglot.reports.vega import spec_digest


def test_the_table_of_the_page_is_that_of_the_result():
    text = elastic_page.PAGE.read_text(encoding="utf-8")
    result = elastic_page.elastic_result()
    assert elastic_page.with_table(text, result) == text, "stale: python -m benchmarks.elastic_page"
    assert f"| {result.sizes[0].layers} × {result.sizes[0].ffn} |" in text


def test_the_figure_of_the_page_is_that_of_the_result():
    result = elastic_page.elastic_result()
    drawn = elastic_page.FIGURE.read_text(encoding="utf-8")
    assert spec_digest(elastic_page.figure(result)) in drawn, "stale"
    moved = result.sizes[0].model_copy(update={"slice_f1": 1.0})
    other = result.model_copy(update={"sizes": (moved, *result.sizes[1:])})
    assert spec_digest(elastic_page.figure(other)) not in drawn
