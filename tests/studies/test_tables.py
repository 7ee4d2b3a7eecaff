import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.studies.rows_by_hand import record, rows, small_records, small_study
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.rows import to_rows
from tinyglot.studies.tables import render_tables, study_tables
from tinyglot.studies.views.table import MEASURED, POINT, by_level, n_text, seed_text, table_name

LABEL = "↳ Ogueji et al. 2022, mBERT: another model"


@pytest.fixture(scope="module")
def tables() -> dict:
    return {table.name: table for table in study_tables(small_study())}


def line(table, start: str) -> tuple[str, ...]:
    return next(row for row in table.rows if row[0].startswith(start))


def test_every_table_of_the_paper_is_there(tables):
    kinds = {name.removesuffix("-exclude").removesuffix("-include") for name in tables}
    settings_and_texts = [
        f"{setting}-{text}"
        for setting in ("multilingual-all", "monolingual")
        for text in ("none", "in-language")
    ]
    expected = {f"scores-{one}" for one in settings_and_texts}
    expected |= {f"training-multilingual-all-{text}" for text in ("none", "in-language")}
    expected |= {
        f"relative-by-{by}-multilingual-all-{text}"
        for by in ("size", "family", "script")
        for text in ("none", "in-language")
    }
    for setting in ("multilingual-all", "monolingual"):
        expected |= {
            f"{kind}-{setting}" for kind in ("robustness", "overlap", "overlap-correlation")
        }
    assert kinds == expected
    assert len({table.title for table in tables.values()}) == len(tables)


def test_a_score_shows_mean_both_intervals_and_what_was_seen(tables):
    table = tables["scores-multilingual-all-none-exclude"]
    assert table.header == ("language", "n", "trained on", "seen, %", "dense", "50 %", "90 %")
    assert line(table, "Swahili") == (
        "Swahili (swh-Latn)",
        "200",
        "1,000",
        "12.5",
        "60.0 ± 2.5 (56.0–64.0)",
        "58.0 ± 2.5 (54.0–62.0)",
        "40.0 ± 2.5 (36.0–44.0)",
    )
    assert line(table, "macro-average")[4:] == ("65.0 ± 2.5", "63.0 ± 2.5", "45.0 ± 2.5")
    assert line(table, "worst language")[4:] == ("50.0 yor-Latn", "48.0 yor-Latn", "30.0 yor-Latn")
    assert line(table, "languages")[4:] == ("4", "4", "4")


def test_the_caption_names_metric_unit_n_seeds_and_intervals(tables):
    caption = tables["scores-multilingual-all-none-exclude"].caption
    for words in ("f1 in percentage points", "3 seeds", "n = 200", "95 % t interval", "bootstrap"):
        assert words in caption


def test_numbers_of_the_paper_stand_under_ours_and_name_another_model(tables):
    table = tables["scores-monolingual-in-language-include"]
    place = table.rows.index(line(table, "English"))
    assert table.rows[place + 1] == (LABEL, "", "", "", "2.3", "6.3", "4.0")
    assert line(table, f"{LABEL}; 10 languages")[4:] == ("1.9", "1.5", "2.1")
    joint = tables["scores-multilingual-all-none-exclude"]
    beside = [row for row in joint.rows if row[0].startswith(LABEL)]  # derived from a footnote
    assert beside == [(LABEL, "", "", "", "–", "about 89.8", "–")]


def test_a_number_that_only_follows_from_a_footnote_says_about():
    table = study_tables(rows(record("hin-Deva", 0.5), record("hin-Deva", 0.4, sparsity=0.5)))[0]
    assert line(table, LABEL) == (LABEL, "", "", "", "–", "about 89.8")


def test_what_was_not_run_is_a_dash_and_no_number():
    records = [record("swh-Latn", 0.5), record("eng-Latn", 0.4, sparsity=0.5)]
    table = study_tables(rows(*records))[0]
    assert line(table, "Swahili")[4:] == ("50.0", "–")
    assert line(table, "English")[4:] == ("–", "40.0")
    assert line(table, "languages")[4:] == ("1", "1")
    measured = [
        (one["of"], one["level"])
        for one in table.points
        if one["source"] == MEASURED and one["of"] in ("swh-Latn", "eng-Latn")
    ]
    assert measured == [("eng-Latn", "50 %"), ("swh-Latn", "dense")]


def test_a_cell_of_fewer_seeds_says_so():
    records = [record("swh-Latn", 0.5, seed=seed) for seed in (0, 1, 2)]
    table = study_tables(rows(*records, record("swh-Latn", 0.4, sparsity=0.5)))[0]
    assert line(table, "Swahili")[4:] == ("50.0 ± 0.0", "40.0; 1 seed")
    assert "mean of 1 to 3 seeds" in table.caption


def test_the_gain_of_joint_training_is_shown_with_its_interval(tables):
    table = tables["training-multilingual-all-none-exclude"]
    assert line(table, "Swahili")[2] == "55.0 → 60.0 (+5.0 ± 0.0)"
    assert line(table, "Kendall's tau")[2] == "– (2 languages)"
    assert line(table, LABEL)[2:] == ("0.39, 10 languages", "–", "–")


def test_groups_and_fractions_by_hand(tables):
    script = tables["relative-by-script-multilingual-all-none"]
    deva = [row for row in script.rows if row[0] == "Deva"]
    assert deva[0] == ("Deva", "1", "embeddings not pruned", "−2.9", "−28.6")
    kept = tables["robustness-monolingual"]
    assert kept.rows[0][:4] == ("in-language", "embeddings not pruned", "2", "0.842 (sd 0.034)")
    assert kept.rows[1][3:] == ("0.024 (sd 0.009)", "0.851 (sd 0.038)", "0.734 (sd 0.133)")


def test_tables_of_other_tasks_have_no_numbers_of_the_paper():
    found = study_tables(rows(record("swh-Latn", 0.5, task="pos", metric="accuracy")))
    assert found
    assert "Ogueji" not in "".join(table.markdown() for table in found)


# --- formats ------------------------------------------------------------------------------------


def test_csv_has_one_number_a_line_under_one_header():
    found = list(csv.DictReader(io.StringIO(render_tables(small_study(), TableFormat.csv))))
    assert list(found[0]) == list(POINT)
    (score,) = [
        one
        for one in found
        if one["table"] == "scores-multilingual-all-none-exclude"
        and (one["of"], one["level"], one["source"]) == ("swh-Latn", "90 %", MEASURED)
    ]
    assert float(score["value"]) == pytest.approx(0.4)
    assert (score["quantity"], score["n"], score["num_seeds"]) == ("score", "200", "3")
    quantities = {one["quantity"] for one in found}
    assert quantities == {
        "score",
        "gain",
        "kendall_tau",
        "relative_difference_percent",
        "fraction_of_regular",
        "spearman",
        "pearson",
    }


def test_json_has_cells_and_numbers(tables):
    found = json.loads(render_tables(small_study(), TableFormat.json))
    assert found["schema_version"] == 1
    assert [one["name"] for one in found["tables"]] == list(tables)
    assert all(one["points"] and one["rows"] for one in found["tables"])


def test_two_blocks_have_tables_of_different_names():
    names = [t.name for t in study_tables(rows(*(record("swh-Latn", 0.5, model=m) for m in "ab")))]
    assert len(set(names)) == len(names) > 2


def test_strings_of_the_data_are_escaped():
    text = render_tables(
        rows(record("swh-Latn", 0.5, model="<b>|x|</b>", languages="a|b")), TableFormat.markdown
    )
    assert "<b>" not in text
    assert r"\|x\|" in text


def test_nothing_scored_is_said():
    assert render_tables(to_rows([]), TableFormat.markdown) == "Nothing has been scored yet.\n"
    assert json.loads(render_tables(to_rows([]), TableFormat.json))["tables"] == []


@settings(max_examples=3, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_byte(random):
    records = list(small_records(seeds=(0, 1)))
    expected = render_tables(to_rows(records), TableFormat.csv)
    random.shuffle(records)
    assert render_tables(to_rows(records), TableFormat.csv) == expected


# --- words --------------------------------------------------------------------------------------


def test_counts_are_shown_as_ranges():
    assert [seed_text(counts) for counts in ([], [1], [3, 3], [3, 1])] == [
        "no seed",
        "1 seed",
        "3 seeds",
        "1 to 3 seeds",
    ]
    assert [n_text(counts) for counts in ([], [2000], [200, 100])] == ["–", "2,000", "100 to 200"]


def test_names_are_fit_for_files():
    assert table_name("scores", {"a": "in-language mentions=seen", "b": "", "c": "x/y"}) == (
        "scores-in-language-mentions=seen-x-y"
    )


def test_levels_that_are_not_there_are_dashes():
    assert by_level({"50 %": "x"}, ("dense", "50 %")) == ("–", "x")


def test_recall_is_of_mentions_and_few_of_them_are_marked():
    found = rows(
        record("swh-Latn", 0.5, metric="recall_seen", n=7),
        record("eng-Latn", 0.5, metric="recall_seen", n=70),
    )
    table = study_tables(found)[0]
    assert "n: mentions scored; † fewer than 10; " in table.caption
    assert [line[1] for line in table.rows[:2]] == ["70", "7 †"]
