import json
import re

import pytest

from tests.reports.test_page import Page
from tests.studies.rows_by_hand import record, rows, small_study
from tinyglot.errors import MissingExtraError, NoExamplesError
from tinyglot.reports.vega import draw_svg, spec_digest
from tinyglot.studies.figures import (
    FigureFormat,
    render_page,
    study_figures,
    write_figure,
    write_figures,
)
from tinyglot.studies.rows import to_rows


@pytest.fixture(scope="module")
def figures() -> dict:
    return {figure.name: figure for figure in study_figures(small_study())}


def records_of(figure) -> list[dict]:
    return figure.spec["data"]["values"]


def point(figure, **names) -> dict:
    (found,) = [one for one in records_of(figure) if names.items() <= one.items()]
    return found


def test_every_figure_of_the_paper_is_there(figures):
    groups = [f"relative-by-{by}" for by in ("size", "family", "script")]
    expected = {
        f"{kind}-multilingual-all-{text}"
        for kind in (*groups, "scores")
        for text in ("none", "in-language")
    }
    expected |= {
        "scores-monolingual-none",
        "scores-monolingual-in-language",
        "training-all",
        "robustness-multilingual-all",
        "robustness-monolingual",
        "overlap-multilingual-all",
    }
    assert set(figures) == expected
    assert all("n = 200" in figure.caption for figure in figures.values())


def test_scores_are_means_with_bars_over_seeds(figures):
    found = point(
        figures["scores-multilingual-all-none"],
        x=90,
        series="embeddings not pruned",
        panel="Swahili, 1,000 sentences",
    )
    assert (found["y"], found["low"], found["high"]) == pytest.approx(
        (40.0, 37.515862, 42.484138), abs=1e-5
    )


def test_both_ways_of_training_stand_beside_each_other(figures):
    place = {"panel": "regular, embeddings not pruned", "x": 0.0}
    joint, alone = (
        point(figures["training-all"], series=name, **place)["y"]
        for name in ("multilingual", "monolingual")
    )
    assert (joint, alone) == pytest.approx((70.0, 65.0))


def test_bands_are_standard_deviations_over_languages(figures):
    figure = figures["relative-by-script-multilingual-all-none"]
    single = point(figure, panel="Deva (n = 1 language)", x=90, series="embeddings not pruned")
    assert (single["y"], single["low"], single["high"]) == (pytest.approx(-28.571429), None, None)
    latin = point(figure, panel="Latn (n = 3 languages)", x=90, series="embeddings not pruned")
    values = [-25.0, -100 / 3, -40.0]
    mean = sum(values) / 3
    spread = (sum((value - mean) ** 2 for value in values) / 2) ** 0.5
    assert latin["high"] - latin["low"] == pytest.approx(2 * spread, abs=1e-5)


def test_the_papers_fractions_are_a_line_that_names_another_model(figures):
    series = "in-language, Ogueji et al. 2022, mBERT: another model"
    found = point(
        figures["robustness-monolingual"], series=series, x=50.0, panel="embeddings not pruned"
    )
    assert round(found["y"], 3) == 0.851
    assert series not in json.dumps(figures["robustness-multilingual-all"].spec)


def test_overlap_has_a_point_a_language(figures):
    found = records_of(figures["overlap-multilingual-all"])
    assert [(one["name"], one["x"], round(one["y"], 6)) for one in found] == [
        ("eng", 80.0, 80.0),
        ("hin", 60.0, 70.0),
        ("swh", 40.0, 60.0),
        ("yor", 20.0, 50.0),
    ]


def test_axes_say_what_they_are_and_in_which_unit(figures):
    text = json.dumps(figures["scores-monolingual-none"].spec)
    assert '"F1, percentage points"' in text
    assert '"sparsity, % (0: dense)"' in text


def test_the_same_rows_give_the_same_chart_and_other_rows_another(figures):
    again = {figure.name: spec_digest(figure.spec) for figure in study_figures(small_study())}
    assert again == {name: spec_digest(figure.spec) for name, figure in figures.items()}
    less = {
        figure.name: spec_digest(figure.spec) for figure in study_figures(small_study(seeds=[0]))
    }
    assert all(less[name] != again[name] for name in ("scores-monolingual-none", "training-all"))


def test_a_figure_is_the_same_file_each_time(figures, tmp_path):
    figure = figures["overlap-multilingual-all"]
    svg = draw_svg(figure.spec)
    assert svg.startswith("<svg")
    assert svg.endswith(f"<!-- chart {spec_digest(figure.spec)} -->\n")
    assert write_figure(figure, tmp_path, FigureFormat.svg).read_text("utf-8") == svg
    first, second = (
        write_figure(figure, tmp_path / name, FigureFormat.png).read_bytes() for name in "ab"
    )
    assert first == second
    assert first.startswith(b"\x89PNG")


def test_names_of_the_data_are_text_in_a_drawing():
    records = [
        record(tag, value, languages="<script>x</script>", entity_overlap=value)
        for tag, value in (("swh-Latn", 0.5), ("eng-Latn", 0.6), ("yor-Latn", 0.7))
    ]
    drawn = [
        draw_svg(figure.spec)
        for figure in study_figures(rows(*records))
        if figure.name.startswith("overlap")
    ]
    assert "&lt;script&gt;" in drawn[0]
    assert "<script" not in drawn[0]


def test_one_page_holds_every_figure_and_loads_nothing(tmp_path):
    (path,) = write_figures(small_study(seeds=[0]), tmp_path, FigureFormat.html)
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert [attrs for _, attrs in page.elements if {"src", "href"} & set(attrs)] == []
    charts = json.loads(page.scripts[0])
    places = [
        attrs["id"]
        for tag, attrs in page.elements
        if tag == "div" and attrs.get("id", "").startswith("figure-")
    ]
    assert sorted(charts) == sorted(places)
    (policy,) = [a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none'; ")
    assert len(re.findall("<h2 ", html)) == len(places) > 8


def test_a_page_escapes_the_strings_of_the_data():
    payload = "</script><img src=x onerror=alert(1)>"
    figures = study_figures(rows(record("swh-Latn", 0.5, model=payload, languages=payload)))
    page = Page(render_page(figures, payload))
    assert page.open == []
    assert len(page.scripts) == 3
    assert "img" not in {tag for tag, _ in page.elements}
    assert payload in page.text


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(NoExamplesError, match=r"nothing has been scored yet[\s\S]*got: +0 rows"):
        write_figures(to_rows([]), tmp_path, FigureFormat.svg)


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"altair is not installed[\s\S]*tinyglot\[demo\]"):
        study_figures(small_study(seeds=[0]))
