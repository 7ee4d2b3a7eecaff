from collections import Counter

import pytest

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
