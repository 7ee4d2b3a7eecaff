import statistics

import pytest
from pydantic import ValidationError

from tinyglot.languages import language
from tinyglot.studies.paper import (
    PaperTable,
    paper_facts,
    paper_label,
    paper_scores,
    paper_tables,
)


@pytest.mark.parametrize("table", paper_tables(), ids=lambda table: f"table {table.number}")
def test_printed_means_and_medians_are_those_of_the_rows(table):
    columns = list(zip(*table.scores.values(), strict=True))
    assert [len(column) for column in columns] == [10] * 7
    for column, mean, median in zip(columns, table.mean, table.median, strict=True):
        assert statistics.mean(column) == pytest.approx(mean, abs=1e-4)
        assert statistics.median(column) == pytest.approx(median, abs=1e-4)


def test_both_variants_share_the_dense_column():
    regular, regular_with, perturbed, perturbed_with = paper_tables()
    for first, second in ((regular, regular_with), (perturbed, perturbed_with)):
        assert {tag: values[0] for tag, values in first.scores.items()} == {
            tag: values[0] for tag, values in second.scores.items()
        }


def test_languages_are_tags_of_ours():
    tags = paper_scores()["language"].unique()
    assert sorted(tags) == sorted(language(tag).tag for tag in tags)


def test_scores_hold_each_cell_once():
    scores = paper_scores()
    cells = scores.select("setting", "perturbation", "embeddings", "sparsity", "language")
    assert not cells.is_duplicated().any()
    assert len(scores) == 2 * 10 * (1 + 2 * 6) + 3
    assert scores.filter(sparsity=0.0)["embeddings"].null_count() == 2 * 10 + 1
    assert scores.filter(is_derived=True)["value"].to_list() == [0.901, 0.898, 0.51]


def test_the_multilingual_cells_are_those_that_fall_below_the_monolingual_ones():
    """Footnote 3: these three, and no others, of the ten languages."""
    keys = ["perturbation", "embeddings", "sparsity", "language"]
    mono = paper_scores().filter(setting="monolingual")
    pairs = paper_scores().filter(is_derived=True).join(mono, on=keys, nulls_equal=True)
    assert len(pairs) == 3
    assert (pairs["value"] < pairs["value_right"]).all()


def test_the_label_names_another_model_only_where_it_is_one():
    assert paper_label("bundled:multilingual-e5-small") == (
        "Ogueji et al. 2022, mBERT: another model"
    )
    assert paper_label("google-bert/bert-base-multilingual-cased") == "Ogueji et al. 2022, mBERT"


def test_facts_are_the_papers():
    assert paper_facts()["kendall_tau_of_gain_and_training_size"] == 0.39


def test_a_row_of_another_length_is_refused():
    broken = {**paper_tables()[0].model_dump(), "mean": (0.5,)}
    with pytest.raises(ValidationError, match=r"rows of \[1, 7\] numbers, 7 columns"):
        PaperTable.model_validate(broken)
