import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.test_mentions import sentence
from tests.real_data import real_data
from tinyglot.data.conll import write_conll
from tinyglot.errors import ComparisonError, NonFiniteScoreError
from tinyglot.evaluation.robustness import (
    drops_beside_dense,
    entity_overlaps,
    perturbation_drops,
    summarise_drops,
)
from tinyglot.evaluation.score import SCHEMA

SCORES = st.integers(0, 100).map(lambda percent: percent / 100)


def row(language, value, perturbation="none", model="dense", **others):
    same = {"task": "ner", "dataset": "panx", "split": "test", "seed": 0, "metric": "f1"}
    numbers = {"value": value, "n": 100, "low": value, "high": value}
    return {**same, "model": model, "language": language, "perturbation": perturbation,
            **numbers, **others}  # fmt: skip


def frame(*rows):
    return pl.DataFrame(list(rows), schema=SCHEMA)


ROWS = frame(
    row("swh-Latn", 0.75),
    row("yor-Latn", 0.5),
    row("swh-Latn", 0.5, "in-script"),
    row("yor-Latn", 0.125, "in-script"),
    row("swh-Latn", 0.75, "in-language"),
)


def test_drop_is_perturbed_minus_regular_for_each_language_and_scope():
    drops = perturbation_drops(ROWS)
    found = drops.select("perturbation", "language", "score_delta", "fraction_of_regular").rows()
    assert found == [
        ("in-script", "swh-Latn", -0.25, 2 / 3),
        ("in-script", "yor-Latn", -0.375, 0.25),
        ("in-language", "swh-Latn", 0.0, 1.0),
    ]
    assert drops.columns == [
        "model", "task", "dataset", "split", "perturbation", "seed", "metric", "language",
        "regular_value", "perturbed_value", "score_delta", "fraction_of_regular", "n",
    ]  # fmt: skip


def test_summary_names_macro_worst_and_gap():
    summary = summarise_drops(perturbation_drops(ROWS))
    in_script = summary.row(0, named=True)
    assert in_script["perturbation"] == "in-script"
    assert (in_script["macro_regular"], in_script["macro_perturbed"]) == (0.625, 0.3125)
    assert in_script["macro_score_delta"] == -0.3125
    assert (in_script["worst_language"], in_script["worst_score_delta"]) == ("yor-Latn", -0.375)
    assert (in_script["gap"], in_script["num_languages"]) == (0.125, 2)
    assert summary.row(1, named=True)["standard_deviation"] is None


def test_models_are_compared_with_what_the_dense_one_loses():
    small = [
        row("swh-Latn", 0.5, model="small"),
        row("swh-Latn", 0.125, "in-script", model="small"),
    ]
    drops = perturbation_drops(frame(*ROWS.to_dicts(), *small))
    beside = drops_beside_dense(drops, "dense").filter(pl.col("model") == "small")
    found = beside.select("score_delta", "dense_score_delta", "excess_delta").rows()
    assert found == [(-0.375, -0.25, -0.125)]
    assert summarise_drops(beside).columns == summarise_drops(drops).columns


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=6))
def test_the_gap_holds_for_any_scores(scores):
    tags = ["swh-Latn", "yor-Latn", "hau-Latn", "ibo-Latn", "amh-Ethi", "zul-Latn"]
    pairs = list(zip(tags, scores, strict=False))
    regular = [row(tag, one) for tag, (one, _) in pairs]
    perturbed = [row(tag, two, "in-script") for tag, (_, two) in pairs]
    drops = perturbation_drops(frame(*perturbed, *regular))
    (summary,) = summarise_drops(drops).to_dicts()
    deltas = [two - one for one, two in scores]
    assert summary["gap"] == max(deltas) - min(deltas) >= 0
    assert summary["worst_score_delta"] == min(deltas)
    assert drops_beside_dense(drops, "dense")["excess_delta"].to_list() == [0.0] * len(pairs)


def test_a_regular_score_of_zero_has_no_fraction():
    drops = perturbation_drops(frame(row("swh-Latn", 0.0), row("swh-Latn", 0.0, "in-script")))
    assert drops["fraction_of_regular"].to_list() == [None]


# --- bad input ----------------------------------------------------------------------------------


def test_refuses_rows_without_perturbed_ones():
    with pytest.raises(ComparisonError, match=r"no such rows[\s\S]*only rows of regular data"):
        perturbation_drops(frame(row("swh-Latn", 0.5)))


@pytest.mark.parametrize("other", [{"dataset": "uner"}, {"seed": 1}, {"language": "yor-Latn"}])
def test_refuses_a_perturbed_row_without_its_regular_one(other):
    rows = frame(row("swh-Latn", 0.5), row(**{"language": "swh-Latn", "value": 0.5,
                 "perturbation": "in-script", **other}))  # fmt: skip
    with pytest.raises(ComparisonError, match=rf"1 rows, such as.*{next(iter(other.values()))}"):
        perturbation_drops(rows)


def test_refuses_a_language_that_stands_there_twice():
    rows = frame(row("swh-Latn", 0.5), row("swh-Latn", 0.6), row("swh-Latn", 0.5, "in-script"))
    with pytest.raises(ComparisonError, match=r"count twice[\s\S]*2 rows"):
        perturbation_drops(rows)


def test_refuses_a_score_that_is_no_number():
    rows = frame(row("swh-Latn", 0.5), row("swh-Latn", float("nan"), "in-script"))
    with pytest.raises(NonFiniteScoreError, match="nan of swh-Latn, 1 of 2"):
        perturbation_drops(rows)


def test_refuses_a_dense_model_that_is_not_there():
    drops = perturbation_drops(ROWS)
    with pytest.raises(ComparisonError, match=r"3 rows without it[\s\S]*rows of 'big'"):
        drops_beside_dense(drops, "big")


# --- entity overlap -----------------------------------------------------------------------------


def test_overlap_of_each_language(tmp_path):
    for code, name in (("sw", "Juma"), ("yo", "Adé")):
        write_conll(tmp_path / f"{code}/train.conll", [sentence(f"{name}/B-PER ni/O")])
    write_conll(
        tmp_path / "sw/test.conll", [sentence("Juma/B-PER Juma/B-LOC Ali/B-PER Juma/B-PER")]
    )
    write_conll(tmp_path / "yo/test.conll", [sentence("ni/O")])
    overlaps = entity_overlaps(tmp_path, ["sw", "yo", "swa"])
    assert overlaps.rows() == [("swh-Latn", 4, 2, 0.5), ("yor-Latn", 0, 0, None)]


def test_overlap_of_real_data_orders_languages_as_the_paper_does():
    overlaps = entity_overlaps(real_data("ner/panx"), ["bn", "ms", "yo", "jv"])
    shares = dict(overlaps.select("language", "entity_overlap").rows())
    assert min(shares["ben-Beng"], shares["zsm-Latn"]) > 2 * max(
        shares["yor-Latn"], shares["jav-Latn"]
    )
