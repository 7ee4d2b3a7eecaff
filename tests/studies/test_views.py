import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.studies.rows_by_hand import record, rows, small_study
from tinyglot.studies.rows import to_rows
from tinyglot.studies.views.beside import paper_beside, paper_fractions
from tinyglot.studies.views.blocks import blocks, in_charts, in_order, parts
from tinyglot.studies.views.correlations import rank_correlation, spearman_and_pearson
from tinyglot.studies.views.differences import (
    beside_dense,
    beside_embeddings,
    beside_monolingual,
    beside_regular,
)
from tinyglot.studies.views.overlap import overlap_correlations
from tinyglot.studies.views.relative import grouped, groups_of, relative_differences
from tinyglot.studies.views.robustness import mean_fractions
from tinyglot.studies.views.scores import language_facts, language_scores, summaries
from tinyglot.studies.views.seeds import average_languages, over_pairs, over_seeds, pair
from tinyglot.studies.views.training import gain_taus

HALF = stats.t.ppf(0.975, 2) * 0.01 / 3**0.5
"""Half of the t interval of the mean of three seeds .01 apart."""


def only_block(found):
    (block,) = blocks(found)
    return block


def part_of(block, **names):
    return block.rows.filter(**{"perturbation": "none", "variant": "exclude", **names})


# --- blocks -------------------------------------------------------------------------------------


def test_a_dense_cell_stands_in_both_variants():
    block = only_block(small_study())
    dense = block.rows.filter(level="dense", setting="multilingual", perturbation="none", seed=0)
    assert sorted(dense["variant"].unique()) == ["exclude", "include"]
    assert len(dense) == 2 * 4
    assert block.levels == ("dense", "50 %", "90 %")


def test_a_mask_of_nothing_is_a_level_of_its_own_but_not_in_charts():
    masked = record("swh-Latn", 0.4, sparsity=0.0, embeddings="exclude")
    block = only_block(rows(masked, record("swh-Latn", 0.5), record("swh-Latn", 0.3, sparsity=0.5)))
    assert block.levels == ("dense", "0 %", "50 %")
    assert in_charts(block.rows)["level"].unique().sort().to_list() == ["50 %", "dense"]


def test_dense_cells_of_one_method_serve_all_others():
    sparse = [record("swh-Latn", 0.3, sparsity=0.5, method=name) for name in ("a", "b")]
    found = blocks(rows(*sparse, record("swh-Latn", 0.5, method="fine_tuning")))
    assert [block.key["method"] for block in found] == ["a", "b"]
    assert [block.levels for block in found] == [("dense", "50 %")] * 2


def test_every_method_keeps_the_dense_cells_it_has():
    records = [
        record("swh-Latn", value, sparsity=sparsity, method=name)
        for name, value in (("a", 0.1), ("b", 0.2))
        for sparsity in (0.0, 0.5)
    ]
    dense = [
        block.rows.filter(level="dense")["value"].to_list() for block in blocks(rows(*records))
    ]
    assert dense == [[0.1], [0.2]]


def test_dense_cells_serve_the_methods_that_share_their_options():
    records = [
        record("swh-Latn", value, method=f"mp learning_rate={rate}")
        for rate, value in (("a", 0.1), ("b", 0.2))
    ]
    records += [
        record("swh-Latn", 0.05, sparsity=0.5, method=f"mp learning_rate={rate} ramp={ramp}")
        for rate in ("a", "b", "c")
        for ramp in ("cubic", "linear")
    ]
    found = {
        block.key["method"]: block.rows.filter(level="dense")["value"].to_list()
        for block in blocks(rows(*records))
    }
    assert found == {
        f"mp learning_rate={rate} ramp={ramp}": dense
        for rate, dense in (("a", [0.1]), ("b", [0.2]), ("c", []))
        for ramp in ("cubic", "linear")
    }


def test_dense_cells_alone_are_a_block_in_which_nothing_is_pruned():
    block = only_block(rows(record("swh-Latn", 0.5)))
    assert block.rows["variant"].to_list() == ["none"]


def test_models_and_metrics_are_blocks_of_their_own():
    records = [
        record("swh-Latn", 0.5, model=model, metric=metric)
        for model in "ab"
        for metric in ("f1", "recall_seen")
    ]
    assert [(b.key["model"], b.key["metric"]) for b in blocks(rows(*records))] == [
        ("a", "f1"),
        ("a", "recall_seen"),
        ("b", "f1"),
        ("b", "recall_seen"),
    ]


def test_languages_that_a_one_language_model_never_saw_are_left_out():
    alone = {"setting": "monolingual", "languages": "swh"}
    other = record("eng-Latn", 0.1, **alone, num_train_sentences=0)
    block = only_block(rows(record("swh-Latn", 0.5, **alone), other))
    assert block.rows["language"].to_list() == ["swh-Latn"]


def test_perturbed_rows_tell_what_of_the_regular_text_was_seen():
    perturbed = {"perturbation": "in-language", "train_overlap": None}
    regular = record("swh-Latn", 0.5, train_overlap=0.25)
    block = only_block(rows(regular, record("swh-Latn", 0.4, **perturbed)))
    assert block.rows["train_overlap"].to_list() == [0.25, 0.25]


def test_parts_come_multilingual_first_and_from_the_narrowest_scope():
    scopes = ("in-family", "none", "in-script", "odd", "in-language")
    found = rows(
        *(
            record("swh-Latn", 0.5, perturbation=scope, setting=setting)
            for scope in scopes
            for setting in ("monolingual", "multilingual")
        )
    )
    order = [tuple(names.values()) for names, _ in parts(found, ("setting", "perturbation"))]
    assert [scope for setting, scope in order if setting == "multilingual"] == [
        "none",
        "in-language",
        "in-script",
        "in-family",
        "odd",
    ]
    assert order[0] == ("multilingual", "none")
    assert [names["level"] for names, _ in parts(only_block(small_study()).rows, ("level",))] == [
        "dense",
        "50 %",
        "90 %",
    ]


def test_in_order_is_the_order_of_parts():
    block = only_block(small_study(seeds=[0]))
    ordered = in_order(block.rows.reverse())
    seen = list(dict.fromkeys(ordered.select("setting", "perturbation").iter_rows()))
    assert seen == [
        ("multilingual", "none"),
        ("multilingual", "in-language"),
        ("monolingual", "none"),
        ("monolingual", "in-language"),
    ]


# --- seeds --------------------------------------------------------------------------------------


def test_the_mean_over_seeds_has_the_interval_of_student():
    found = over_seeds(pl.DataFrame({"k": [0] * 3, "value": [0.4, 0.5, 0.9]}), ["k"])
    value, half = found["value"][0], found["half_width"][0]
    low, high = stats.t.interval(0.95, 2, loc=0.6, scale=stats.sem([0.4, 0.5, 0.9]))
    assert (value, value - half, value + half) == pytest.approx((0.6, low, high))
    assert found["num_seeds"].to_list() == [3]


def test_one_seed_has_no_interval():
    found = over_seeds(pl.DataFrame({"k": [0, 1, 1], "value": [0.4, 0.5, 0.5]}), ["k"])
    assert found["half_width"].to_list() == [None, 0.0]


def test_an_average_over_languages_takes_its_interval_from_the_complete_seeds():
    scores = [("a", 0, 0.1), ("a", 1, 0.3), ("a", 2, 0.8), ("b", 0, 0.5), ("b", 1, 0.5)]
    frame = pl.DataFrame(scores, schema=["language", "seed", "value"], orient="row")
    found = average_languages(frame.with_columns(k=0), ["k"]).row(0, named=True)
    assert found["value"] == pytest.approx((0.4 + 0.5) / 2)
    expected = stats.t.ppf(0.975, 1) * stats.sem([0.3, 0.4])
    assert found["half_width"] == pytest.approx(expected)
    assert (found["num_languages"], found["num_seeds"]) == (2, 2)


def test_without_a_complete_seed_there_is_a_mean_but_no_interval():
    frame = pl.DataFrame({"k": [0, 0], "language": ["a", "b"], "seed": [0, 1], "value": [0.1, 0.3]})
    found = average_languages(frame, ["k"]).row(0, named=True)
    assert found["value"] == pytest.approx(0.2)
    assert (found["half_width"], found["num_seeds"]) == (None, 0)


def test_only_common_seeds_are_paired():
    first = pl.DataFrame({"k": [0, 0], "seed": [0, 1], "value": [0.4, 0.9]})
    second = pl.DataFrame({"seed": [0, 2], "value": [0.1, 0.5]})
    found = over_pairs(pair(first, second, ["k"]), ["k"]).row(0, named=True)
    assert (found["value"], found["other"], found["delta"]) == pytest.approx((0.4, 0.1, 0.3))
    assert (found["ratio"], found["num_seeds"]) == (pytest.approx(4.0), 1)


def test_a_ratio_to_nothing_is_unknown():
    side = pl.DataFrame({"k": [0], "seed": [0], "value": [0.4]})
    nothing = side.with_columns(value=0.0)
    assert over_pairs(pair(side, nothing, ["k"]), ["k"])["ratio"].to_list() == [None]


VALUES = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4)


@given(VALUES)
def test_seeds_that_are_there_twice_change_no_mean(values):
    once = pl.DataFrame({"k": [0] * len(values), "value": values})
    first, second = (
        over_seeds(frame, ["k"])["value"][0] for frame in (once, pl.concat([once] * 2))
    )
    assert second == pytest.approx(first, abs=1e-12)


# --- what is shown ------------------------------------------------------------------------------


def test_scores_of_a_language_are_means_with_both_intervals():
    found = language_scores(part_of(only_block(small_study()), setting="multilingual"))
    row = found.filter(language="hin-Deva", level="90 %").row(0, named=True)
    assert (row["value"], row["half_width"]) == pytest.approx((0.5, HALF))
    assert (row["low"], row["high"]) == pytest.approx((0.5 - 0.04, 0.5 + 0.04))
    assert (row["n"], row["num_seeds"], row["num_train_sentences"]) == (200, 3, 2000)
    tags = found["language"].unique(maintain_order=True).to_list()
    assert tags == ["yor-Latn", "swh-Latn", "eng-Latn", "hin-Deva"]


def test_summaries_are_macro_average_median_and_worst_language():
    block = only_block(small_study())
    found = summaries(part_of(block, setting="multilingual"), block.scale).filter(level="50 %")
    by_name = {row["of"]: row for row in found.iter_rows(named=True)}
    assert by_name["macro-average"]["value"] == pytest.approx(0.63)
    assert by_name["macro-average"]["half_width"] == pytest.approx(HALF)
    assert by_name["median"]["value"] == pytest.approx(0.63)
    assert by_name["worst language"]["language"] == "yor-Latn"
    assert by_name["worst language"]["value"] == pytest.approx(0.48)


def test_facts_of_a_language_are_those_of_the_joint_model():
    alone = {"setting": "monolingual", "languages": "swh", "num_train_sentences": 9}
    frame = only_block(
        rows(record("swh-Latn", 0.1, num_train_sentences=5), record("swh-Latn", 0.1, **alone))
    ).rows
    assert language_facts(frame)["num_train_sentences"].to_list() == [5]


def test_differences_are_by_hand():
    block = only_block(small_study())
    swahili = {"language": "swh-Latn", "seed": 1}
    high = {**swahili, "level": "90 %", "variant": "exclude"}
    joint = {"setting": "multilingual", "perturbation": "none"}
    regular = beside_dense(block).filter(**high, **joint).row(0, named=True)
    assert (regular["value"], regular["other"]) == pytest.approx((0.4, 0.6))
    gain = beside_monolingual(block).filter(**high, perturbation="none")
    assert gain["delta"].to_list() == pytest.approx([0.05])
    lost = beside_regular(block).filter(**high, setting="multilingual")
    assert lost["delta"].to_list() == pytest.approx([-0.1])
    embeddings = beside_embeddings(block).filter(**swahili, level="90 %", **joint)
    assert embeddings["delta"].to_list() == pytest.approx([0.1])


def test_relative_differences_are_in_per_cent_of_the_dense_score():
    found = relative_differences(only_block(small_study()))
    row = found.filter(
        setting="multilingual", perturbation="none", level="90 %", variant="exclude"
    ).sort("language")
    expected = [100 * (0.6 / 0.8 - 1), 100 * (0.5 / 0.7 - 1), 100 * (0.4 / 0.6 - 1), -40.0]
    assert row["relative"].to_list() == pytest.approx(expected)


def test_groups_average_over_languages_with_their_standard_deviation():
    block = only_block(small_study())
    found = grouped(block, "size").filter(perturbation="none", level="90 %", variant="exclude")
    assert found["group"].to_list() == ["100 sentences", "1,000 sentences", "2,000 sentences"]
    assert found["setting"].unique().to_list() == ["multilingual"]  # alone there are only two
    values = [100 * (0.6 / 0.8 - 1), 100 * (0.5 / 0.7 - 1)]
    last = found.row(2, named=True)
    assert last["macro_average"] == pytest.approx(sum(values) / 2)
    assert last["standard_deviation"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert found["standard_deviation"].to_list()[0] is None


def test_many_sizes_become_six_bins():
    tags = [
        "afr-Latn",
        "arb-Arab",
        "ben-Beng",
        "deu-Latn",
        "ell-Grek",
        "eng-Latn",
        "est-Latn",
        "eus-Latn",
    ]
    records = [
        record(tag, 0.5, num_train_sentences=100 * place) for place, tag in enumerate(tags, 1)
    ]
    named = groups_of(only_block(rows(*records)), "size")
    assert len(set(named.values())) == 6
    assert named["afr-Latn"] == "< 200 sentences"


def test_a_language_of_unknown_size_is_in_a_group_of_its_own():
    block = only_block(rows(record("swh-Latn", 0.5, num_train_sentences=None)))
    assert groups_of(block, "size") == {"swh-Latn": "unknown"}


def test_fractions_are_of_the_means_of_each_language():
    found = mean_fractions(only_block(small_study()))
    row = found.filter(setting="monolingual", level="90 %", variant="include").row(0, named=True)
    ratios = [0.15 / 0.25, 0.35 / 0.45]
    assert row["value"] == pytest.approx(sum(ratios) / 2)
    assert row["standard_deviation"] == pytest.approx((ratios[1] - ratios[0]) / 2**0.5)
    assert (row["num_languages"], row["num_seeds"]) == (2, 3)


def test_overlap_goes_with_the_score():
    found = overlap_correlations(only_block(small_study()))
    joint = found.filter(setting="multilingual", level="dense", variant="exclude")
    assert joint.select("spearman", "pearson").row(0) == pytest.approx((1.0, 1.0))
    assert joint["num_languages"].to_list() == [4]
    assert found.filter(setting="monolingual")["spearman"].null_count() == 3 * 2


def test_unknown_overlap_is_left_out():
    block = only_block(rows(record("swh-Latn", 0.5, entity_overlap=None)))
    assert overlap_correlations(block).is_empty()


def test_correlations_need_three_languages_that_differ():
    frame = pl.DataFrame({"language": list("abc"), "x": [1.0, 2.0, 3.0], "y": [5.0, 5.0, 5.0]})
    assert rank_correlation(frame, {"a": 3, "b": 2, "c": 1}, "x")["tau"] == pytest.approx(-1.0)
    assert rank_correlation(frame, {"a": 3, "b": 2}, "x") == {
        "tau": None,
        "p_value": None,
        "num_languages": 2,
    }
    assert rank_correlation(frame, {"a": 3, "b": 2, "c": 1}, "y")["tau"] is None
    assert spearman_and_pearson(frame, "x", "y")["pearson"] is None


def test_tau_of_gains_is_positive_where_more_sentences_gain_more():
    part = pl.DataFrame({"level": ["dense"] * 3, "language": list("abc"), "delta": [0.1, 0.2, 0.3]})
    found = gain_taus(part, {"a": 1, "b": 10, "c": 100}).row(0, named=True)
    assert (found["tau"], found["num_languages"]) == (pytest.approx(1.0), 3)


# --- the paper ----------------------------------------------------------------------------------


def test_fractions_of_the_paper_are_those_that_were_recomputed():
    found = paper_fractions(only_block(small_study())).filter(variant="exclude").sort("sparsity")
    expected = [0.024, 0.851, 0.835, 0.796, 0.734, 0.606, 0.452]
    assert [round(value, 3) for value in found["value"]] == expected
    assert found["num_languages"].to_list() == [10] * 7


@pytest.mark.parametrize("other", [{"task": "pos"}, {"metric": "recall"}, {"dataset": "uner"}])
def test_the_paper_says_nothing_of_other_tasks_metrics_and_data(other):
    assert paper_beside(only_block(rows(record("swh-Latn", 0.5, **other)))).is_empty()


# --- invariances --------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random):
    records = small_study(seeds=[0, 1]).to_dicts()
    expected = grouped(only_block(to_rows(records)), "script")
    random.shuffle(records)
    assert grouped(only_block(to_rows(records)), "script").equals(expected)
