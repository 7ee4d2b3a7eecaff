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
from tinyglot.studies.rows import to_rows


@pytest.fixture(scope="module")
def page():
    return render_study_page(small_study(), "What *is* asked.")


def test_the_page_says_what_was_run_and_which_observations_hold(page):
    for words in (
        "# by-hand\n",
        r"What \*is\* asked.",
        "multilingual (all), 4 language(s); monolingual, 2 language(s)",
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
