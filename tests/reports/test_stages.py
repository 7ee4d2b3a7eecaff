import math

import polars as pl
import pytest

from tests.reports.samples import SCORES, STAGES, rows
from tinyglot.errors import DataFormatError, MissingInputError
from tinyglot.evaluation.summary import summarise
from tinyglot.reports.stages import collect_series, metric_title


def only_series(frame, stages=STAGES):
    (series,) = collect_series(frame, stages)
    return series


def test_stages_keep_the_order_of_the_job():
    names = [stage.name for stage in only_series(rows()).stages]
    assert names == ["source", "01-fine_tuning", "02-layer_dropping", "export"]


def test_a_scored_model_without_facts_becomes_the_last_stage():
    series = only_series(rows({"other": {"swh-Latn": 0.5}}))
    assert series.stages[-1].name == "other"
    assert series.stages[-1].facts == {}


def test_macro_average_counts_each_language_once():
    frame = rows({"export": {"swh-Latn": 0.9, "yor-Latn": 0.3}})
    frame = frame.with_columns(n=pl.Series([1000, 10]))
    assert only_series(frame).stages[-1].macro_average == pytest.approx(0.6)


def test_macro_and_worst_agree_with_the_evaluation():
    summary = {row["model"]: row for row in summarise(rows()).to_dicts()}
    scored = only_series(rows()).scored
    assert len(scored) == 3
    for stage in scored:
        assert stage.macro_average == pytest.approx(summary[stage.name]["macro_average"])
        assert stage.worst_language == summary[stage.name]["worst_language"]


def test_worst_language_among_equals_is_the_first_by_tag():
    series = only_series(rows({"export": {"yor-Latn": 0.5, "swh-Latn": 0.5}}))
    assert series.stages[-1].worst_language == "swh-Latn"


def test_of_a_loss_the_highest_is_the_worst_and_a_rise_is_damage():
    scores = {
        "01-fine_tuning": {"swh-Latn": 2.0, "yor-Latn": 3.0},
        "export": {"swh-Latn": 2.5, "yor-Latn": 2.9},
    }
    frame = rows(scores).with_columns(task=pl.lit("mlm"), metric=pl.lit("loss"))
    series = only_series(frame)
    assert series.stages[-1].worst_language == "yor-Latn"
    found = [(damage.language, round(damage.delta_points, 6)) for damage in series.damages()]
    assert found == [("swh-Latn", 0.5), ("yor-Latn", -0.1)]
    summary = {row["model"]: row["worst_language"] for row in summarise(frame).to_dicts()}
    assert summary["export"] == "yor-Latn"


def test_damages_are_sorted_by_loss_and_in_points():
    damages = only_series(rows()).damages()
    found = [(damage.language, round(damage.delta_points, 6)) for damage in damages]
    assert found == [("amh-Ethi", -10.0), ("swh-Latn", -3.0), ("yor-Latn", 2.0)]


def test_macro_change_is_over_the_languages_of_both_ends():
    scores = {"01-fine_tuning": {"swh-Latn": 0.9, "yor-Latn": 0.1}, "export": {"swh-Latn": 0.8}}
    assert only_series(rows(scores)).macro_delta_points == pytest.approx(-10.0)


def test_one_scored_stage_has_no_damage():
    series = only_series(rows({"export": SCORES["export"]}))
    assert series.damages() == ()
    assert series.macro_delta_points is None


def test_several_seeds_give_the_mean_and_the_widest_interval():
    one = rows({"export": {"swh-Latn": 0.6}}, seed=0)
    two = rows({"export": {"swh-Latn": 0.8}}, seed=1)
    score = only_series(pl.concat([one, two])).stages[-1].scores["swh-Latn"]
    assert score.value == pytest.approx(0.7)
    assert (score.low, score.high) == (pytest.approx(0.58), pytest.approx(0.82))
    assert score.num_seeds == 2


def test_a_value_that_is_not_a_number_is_no_score():
    series = only_series(rows({"export": {"swh-Latn": math.nan, "yor-Latn": 0.5}}))
    assert set(series.stages[-1].scores) == {"yor-Latn"}


def test_each_split_is_a_series_of_its_own():
    both = pl.concat([rows(split="dev"), rows(split="test")])
    titles = [series.title for series in collect_series(both, STAGES)]
    assert titles == ["F1, ner, demo, dev", "F1, ner, demo, test"]


def test_a_perturbation_is_named_in_the_title():
    assert only_series(rows(perturbation="typos")).title == "F1, ner, demo, test, typos"


def test_no_rows_give_one_series_without_scores():
    series = only_series(pl.DataFrame())
    assert [stage.name for stage in series.stages] == [stage["name"] for stage in STAGES]
    assert series.scored == ()


def test_missing_columns_are_all_named():
    with pytest.raises(DataFormatError, match=r"2 column\(s\)[\s\S]*also value, n"):
        collect_series(rows().drop("value", "n"), STAGES)


def test_a_stage_without_a_name_is_refused():
    with pytest.raises(MissingInputError, match=r"no name[\s\S]*'size_bytes': 3"):
        collect_series(rows(), [{"size_bytes": 3}])


def test_two_stages_of_one_name_are_refused():
    with pytest.raises(MissingInputError, match=r"same name[\s\S]*export"):
        collect_series(rows(), [*STAGES, {"name": "export"}])


def test_neither_rows_nor_stages_are_refused():
    with pytest.raises(MissingInputError, match=r"there is none[\s\S]*0 rows, 0 stages"):
        collect_series(pl.DataFrame(), [])


@pytest.mark.parametrize(
    ("metric", "title"), [("f1", "F1"), ("accuracy", "accuracy"), ("exact_match", "exact match")]
)
def test_metric_title(metric, title):
    assert metric_title(metric) == title
