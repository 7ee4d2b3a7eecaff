"""Studies whose rows are kept here: their summaries and pages are those of the rows."""

import pytest

from benchmarks import studies
from benchmarks.schema import RESULTS, read_result
from benchmarks.studies_schema import Study, StudyFindings
from benchmarks.studies_tables import findings_table, study_table
from tests.studies.rows_by_hand import record, rows, small_study
from tests.studies.structured_rows import structured_rows
from tinyglot.studies.page import stale_parts
from tinyglot.studies.rows import read_rows, write_rows

NAVIGATION = "nav:\n  - Methods:\n      - methods/a.md\n  - Reference:\n      - r.md\n"
STORES = studies.stores()


@pytest.mark.parametrize("place", STORES, ids=lambda place: place.name)
def test_the_summary_of_a_study_is_that_of_its_rows(place):
    kept = read_result(RESULTS / f"{place.name}.json").result
    assert kept == studies.study_of(read_rows(place)), (
        f"run: python -m benchmarks.studies {place.name}"
    )


@pytest.mark.parametrize("place", STORES, ids=lambda place: place.name)
def test_the_page_of_a_study_is_that_of_its_rows(place):
    page = studies.page_of(place)
    stale = stale_parts(page, studies.PAGES / f"{place.name}.md")
    assert stale == [], f"run: python -m benchmarks.studies {place.name}"


def test_every_summary_and_page_has_its_rows():
    named = {place.name for place in STORES}
    files = [
        path
        for path in RESULTS.glob("*.json")
        if isinstance(read_result(path).result, Study | StudyFindings)
    ]
    assert {path.stem for path in files} == named
    assert {path.stem for path in studies.PAGES.glob("*.md")} == named | studies.OWN_PAGES


@pytest.fixture(scope="module")
def summary() -> Study:
    return studies.study_of(small_study())


def test_the_summary_has_macro_averages_with_n_seeds_and_intervals(summary):
    assert (summary.num_cells, summary.seeds) == (15 + 2 * 15, (0, 1, 2))
    (one,) = [
        one
        for one in summary.summaries
        if (one.setting, one.perturbation, one.variant, one.level)
        == ("multilingual", "none", "exclude", "90 %")
    ]
    assert (one.macro_average, one.median, one.worst_value) == pytest.approx((0.45, 0.45, 0.3))
    assert one.half_width_over_seeds == pytest.approx(0.0248414, abs=1e-6)
    assert (one.num_complete_seeds, one.num_languages, one.num_sentences) == (3, 4, 800)
    assert one.worst_language == "yor-Latn"


def test_the_summary_says_which_observations_hold(summary):
    assert [one.name for one in summary.observations] == [f"O{number}" for number in range(1, 7)]
    assert summary.observations[3].verdict == "does not hold"


def test_the_table_of_a_study_has_a_row_for_each_text_and_variant(summary):
    lines = list(study_table(summary))
    assert "| trained | languages | text | pruned | dense | 50 % | 90 % |" in lines
    row = "| multilingual | 4 | regular | embeddings not pruned |"
    assert f"{row} 65.0 ± 2.5 | 63.0 ± 2.5 | 45.0 ± 2.5 |" in lines
    assert len([line for line in lines if line.startswith(("| multi", "| mono"))]) == 2 * 2 * 2


def test_rows_and_grid_of_a_study_are_taken_over(tmp_path):
    write_rows(rows(record("swh-Latn", 0.5)), tmp_path / "store" / "results.parquet")
    (tmp_path / "store" / "study.yaml").write_text("name: by-hand\n")
    studies.take_over(tmp_path / "store", tmp_path / "kept")
    assert read_rows(tmp_path / "kept").equals(read_rows(tmp_path / "store"))
    assert (tmp_path / "kept" / "study.yaml").read_text() == "name: by-hand\n"


def test_a_page_is_put_into_the_navigation_once():
    once = studies.with_page(NAVIGATION, "imp-small")
    assert "  - Studies:\n      - studies/imp-small.md\n  - Reference:\n" in once
    assert studies.with_page(once, "imp-small") == once
    both = studies.with_page(once, "imp-control")
    assert "  - Studies:\n      - studies/imp-control.md\n      - studies/imp-small.md\n" in both


def test_the_summary_of_structured_pruning_has_scores_and_findings():
    found = studies.study_of(structured_rows())
    (one,) = [
        row
        for row in found.numbers
        if (row["of"], row["algorithm"], row["pruning_ratio"]) == ("macro-average", "random", 0.5)
    ]
    assert one["value"] == pytest.approx(0.45)
    assert [one.name for one in found.observations] == ["S1", "S2", "S3"]
    assert "| panx | S1: " in "\n".join(findings_table(found))
    again = StudyFindings.model_validate_json(found.model_dump_json())
    assert again == found
