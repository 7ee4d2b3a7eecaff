import pytest

from tests.studies.rows_by_hand import record, rows, small_study
from tinyglot.errors import NoExamplesError
from tinyglot.studies.page import (
    describe,
    main_blocks,
    render_study_page,
    stale_parts,
    write_study_page,
)
from tinyglot.studies.provenance import provenance
from tinyglot.studies.rows import to_rows
from tinyglot.studies.store import CellFile


@pytest.fixture(scope="module")
def page():
    return render_study_page(small_study(), "What *is* asked.")


def test_the_page_says_what_was_run_and_which_observations_hold(page):
    for words in (
        "# by-hand\n",
        r"What \*is\* asked.",
        "multilingual (all), 4 languages; monolingual, 2 languages",
        "sparsities dense, 50 %, 90 %; seeds 0, 1, 2",
        "n = 200 sentences",
        "| Swahili (swh-Latn) | 200 | 1,000 | 12.5 | 40.0 |",
        "### O4: does not hold",
        "*Criterion:* holds if",
        "Ogueji et al. 2022, mBERT: another model",
    ):
        assert words in page.text
    assert page.text.count("\n### O") == 6
    assert "45 cells" in page.text


def test_the_page_says_when_its_criteria_were_written_and_what_is_main(page):
    assert "after its seed 0 had been looked at" in page.text
    assert "main: 1 holds; beside: 2 cannot be said" in page.text
    assert "Run with" not in page.text
    assert "language(s)" not in page.text


def cell(key, embeddings, zeros):
    coordinates = {"model": "tiny", "method": "magnitude_pruning", "sparsity": 0.5}
    size = {"num_parameters": 5_000_000, "num_zero_weights": zeros}
    facts = {"num_zeros": zeros, "num_prunable": 2 * zeros}
    return CellFile(
        study="by-hand",
        key=key,
        coordinates={**coordinates, "embeddings": embeddings},
        recipe={},
        method_versions={},
        steps=({"facts": facts, "size": size},),
        provenance=provenance(1),
    )


def test_the_page_says_what_a_percentage_is_of():
    found = rows(record("swh-Latn", 0.5), record("swh-Latn", 0.4, sparsity=0.5))
    keys = sorted(found["key"])
    cells = [cell(keys[0], "exclude", 500_000), cell("of an earlier version", "exclude", 7)]
    text = render_study_page(found, "", cells).text
    line = "| embeddings not pruned | 50 % | 1.0 | 0.5 (50.0 %) | 0.5 of 5.0 (10.0 %) | 1 |"
    assert line in text
    assert "Run with: 1 cells; commit " in text
    assert "threads a cell: 1" in text


def test_of_one_seed_it_is_said_and_recall_stands_beside_of_seen_and_other_mentions():
    metrics = {"f1": (0.5, 200), "recall_seen": (0.9, 7), "recall_unseen": (0.4, 80)}
    found = rows(
        *(
            record("swh-Latn", value, metric=name, n=n, sparsity=sparsity)
            for name, (value, n) in metrics.items()
            for sparsity in (0.0, 0.5)
        )
    )
    text = render_study_page(found).text
    assert "| Swahili (swh-Latn) | 7 † / 80 | embeddings not pruned | 90.0 / 40.0 |" in text
    assert "**Cannot be said: one seed** (1 language, 1 seed)" in text
    assert "worst language" not in text


def test_every_figure_has_its_file_and_its_caption(page):
    assert len(page.figures) == 14
    for name, figure in page.figures.items():
        assert f"]({name})" in page.text
        assert name == f"by-hand/{figure.name}.svg"


def test_a_written_page_is_current_and_a_changed_one_is_not(tmp_path):
    page = render_study_page(rows(record("swh-Latn", 0.5), record("swh-Latn", 0.4, sparsity=0.5)))
    path = tmp_path / "by-hand.md"
    assert stale_parts(page, path) == ["by-hand.md", *page.figures]
    written = write_study_page(page, path)
    assert [file.name for file in written[1:]] == [file.partition("/")[2] for file in page.figures]
    assert stale_parts(page, path) == []
    other = render_study_page(rows(record("swh-Latn", 0.5), record("swh-Latn", 0.3, sparsity=0.5)))
    assert stale_parts(other, path) == ["by-hand.md", *page.figures]


def test_a_figure_that_is_gone_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "by-hand.md"
    both = [
        record("swh-Latn", 0.5, setting=name, languages=name[:4])
        for name in ("multilingual", "monolingual")
    ]
    write_study_page(render_study_page(rows(*both)), path)
    (tmp_path / "by-hand" / "mine.svg").write_text("<svg/>")
    page = render_study_page(rows(both[0]))
    assert "training-mult.svg" in stale_parts(page, path)
    write_study_page(page, path)
    assert {file.name for file in (tmp_path / "by-hand").iterdir()} == {
        "mine.svg",
        *(name.partition("/")[2] for name in page.figures),
    }


def test_only_the_main_metric_is_on_the_page():
    found = rows(*(record("swh-Latn", 0.5, metric=name) for name in ("f1", "recall_seen")))
    assert [block.key["metric"] for block in main_blocks(found)] == ["f1"]


def test_a_study_without_rows_has_no_page():
    with pytest.raises(NoExamplesError, match=r"nothing has been scored yet[\s\S]*got: +0 rows"):
        render_study_page(to_rows([]))


def test_a_place_without_a_grid_has_no_description(tmp_path):
    assert describe(tmp_path) == ""
