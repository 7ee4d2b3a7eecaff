from collections import Counter

import pytest

from benchmarks import imp_control
from tinyglot.methods.fine_tuning import FineTuningConfig
from tinyglot.studies import expand, read_grid


@pytest.fixture(scope="module")
def cells():
    return expand(read_grid("imp-control"))


def variant(cell):
    return cell.coordinates["sparsity"], cell.coordinates["embeddings"]


def test_the_control_holds_four_ways_of_training(cells):
    last = [cell for cell in cells if cell.recipe.steps[0].stop_step == 160]
    ways = {(0.0, None): 3, (0.0, "exclude"): 3, (0.5, "exclude"): 3, (0.5, "include"): 3}
    assert Counter(map(variant, last)) == ways
    kinds = {variant(cell): type(cell.recipe.steps[0]).__name__ for cell in last}
    assert kinds.pop((0.0, None)) == FineTuningConfig.__name__
    assert set(kinds.values()) == {"MagnitudePruningConfig"}


def test_checkpoints_are_of_one_training(cells):
    early = [cell for cell in cells if cell.recipe.steps[0].stop_step < 160]
    assert Counter(cell.recipe.steps[0].stop_step for cell in early) == {40: 3, 80: 3, 120: 3}
    assert {cell.recipe.steps[0].max_steps for cell in cells} == {160}


def test_seeds_of_one_way_have_the_same_name(cells):
    names = {cell.coordinates["method"] for cell in cells}
    assert names == {f"magnitude_pruning stop_step={step}" for step in (40, 80, 120, 160)}
    alike = Counter((*variant(cell), cell.coordinates["method"]) for cell in cells)
    assert set(alike.values()) == {1, 3}


def test_what_the_models_saw_is_what_seen_mentions_are_of(cells):
    for cell in cells:
        split = cell.recipe.steps[0].train_split
        names = cell.recipe.evaluate.perturbations
        assert sum(f"train={split}" in name for name in names) == 2
        assert cell.recipe.evaluate.by_mention_novelty


# --- what was found -----------------------------------------------------------------------------


def test_the_page_is_made_of_the_results():
    text = imp_control.PAGE.read_text(encoding="utf-8")
    assert imp_control.with_tables(text) == text, "stale: python -m benchmarks.imp_control"


def test_a_changed_number_makes_the_page_stale():
    text = imp_control.PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- begin: {name} -->" in text for name in imp_control.tables())
    changed = text.replace("<!-- end: macro -->", "| 0.999 |\n<!-- end: macro -->")
    assert imp_control.with_tables(changed) == text


def test_scores_of_seeds_are_shown_with_their_spread():
    assert imp_control.over_seeds([]) == "–"
    assert imp_control.over_seeds([0.5, 0.6]) == "55.0 (50.0, 60.0)"
    assert imp_control.over_seeds([0.5, 0.6, 0.7]) == "60.0 ± 24.8 (50.0, 60.0, 70.0)"


@pytest.mark.parametrize(
    ("right", "given", "kind"),
    [
        ("B-PER", "B-PER", "right"),
        ("B-PER", "I-PER", "prefix"),
        ("B-PER", "B-LOC", "type"),
        ("I-PER", "O", "missed"),
    ],
)
def test_words_inside_of_mentions_are_of_four_kinds(right, given, kind):
    assert imp_control.kind_of(right, given) == kind
