"""Choosing units, aggregating languages, comparing masks, and the file of importance."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from tests.tiny import tiny_model
from tinyglot.errors import ImportanceFileError, NonFiniteScoreError, StructureRangeError
from tinyglot.importance import (
    KINDS,
    Importance,
    aggregate_importance,
    jaccard,
    mask_overlap,
    measure_importance,
    normalised_by_layer,
    rank_correlation,
    select_units,
)
from tinyglot.recipes import parse_recipe
from tinyglot.surgery import Structures, keep_structures

SCORES = st.lists(
    st.lists(st.integers(0, 9).map(float), min_size=2, max_size=6), min_size=1, max_size=4
).map(lambda layers: [torch.tensor(layer) for layer in layers])


def importance_of(heads):
    """Of two layers of two heads and one of each else."""
    one = torch.ones(1, dtype=torch.float64)
    scores = tuple(torch.tensor(layer, dtype=torch.float64) for layer in heads)
    return Importance("taylor", scores, (one, one), torch.ones(2, dtype=torch.float64), one)


# --- choosing -----------------------------------------------------------------------------------


@given(scores=SCORES, data=st.data())
def test_the_best_units_stay_and_one_in_each_layer(scores, data):
    total = sum(map(len, scores))
    num_kept = data.draw(st.integers(len(scores), total))
    kept = select_units(scores, num_kept, uniform=False)
    assert sum(map(len, kept)) == num_kept
    assert all(units and list(units) == sorted(set(units)) for units in kept)
    out = [
        float(scores[layer][unit])
        for layer, units in enumerate(kept)
        for unit in set(range(len(scores[layer]))) - set(units)
    ]
    spare = [
        float(scores[layer][unit])
        for layer, units in enumerate(kept)
        for unit in units
        if len(units) > 1
    ]
    assert not out or not spare or min(spare) >= max(out)


@given(scores=SCORES, data=st.data())
def test_one_unit_more_takes_none_out(scores, data):
    num_kept = data.draw(st.integers(len(scores), sum(map(len, scores)) - 1))
    fewer, more = (
        {(layer, unit) for layer, units in enumerate(kept) for unit in units}
        for kept in (select_units(scores, n, uniform=False) for n in (num_kept, num_kept + 1))
    )
    assert fewer < more


def test_equal_units_stay_by_place():
    same = [torch.ones(3), torch.ones(3)]
    assert select_units(same, 4, uniform=False) == ((0, 1, 2), (0,))
    assert select_units(same, 4, uniform=True) == ((0, 1), (0, 1))


@pytest.mark.parametrize(
    ("num_kept", "uniform", "message"),
    [
        (7, False, r"7 units to keep in 2 layers[\s\S]*2 to 6"),
        (1, False, r"1 units to keep in 2 layers[\s\S]*2 to 6"),
        (3, True, r"3 units to keep in 2 layers[\s\S]*a multiple of 2"),
    ],
)
def test_impossible_numbers_are_refused(num_kept, uniform, message):
    with pytest.raises(StructureRangeError, match=message):
        select_units([torch.rand(3), torch.rand(3)], num_kept, uniform=uniform)


# --- languages ----------------------------------------------------------------------------------


def test_aggregations_by_hand():
    """The second language's losses are ten times as high, and it needs the other head."""
    both = {
        "swh-Latn": importance_of([[4.0, 0.0], [0.0, 0.0]]),
        "amh-Ethi": importance_of([[0.0, 30.0], [0.0, 40.0]]),
    }
    expected = {
        "mean": [2.0, 15.0, 0.0, 20.0],
        # root mean squares of four heads: 2 and 25
        "normalised_mean": [1.0, 0.6, 0.0, 0.8],
        "worst_language": [2.0, 1.2, 0.0, 1.6],
    }
    for how, heads in expected.items():
        found = aggregate_importance(both, how)
        assert torch.cat(found.heads).tolist() == pytest.approx(heads)
        assert found.languages == ("swh-Latn", "amh-Ethi")


@given(scale=st.floats(1e-6, 1e6))
def test_how_large_a_languages_losses_are_does_not_matter_once_normalised(scale):
    first, second = importance_of([[4.0, 1.0], [2.0, 3.0]]), importance_of([[1.0, 2.0], [5.0, 3.0]])
    scaled = second.mapped(lambda scores: [scale * each for each in scores])
    for how in ("normalised_mean", "worst_language"):
        before, after = (
            aggregate_importance({"a": first, "b": other}, how) for other in (second, scaled)
        )
        assert torch.cat(after.heads).tolist() == pytest.approx(torch.cat(before.heads).tolist())


def test_layers_count_alike_when_normalised_by_layer():
    found = normalised_by_layer([torch.tensor([3.0, 4.0]), torch.tensor([0.0, 0.0])])
    assert [each.tolist() for each in found] == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]


# --- overlap ------------------------------------------------------------------------------------


def test_overlap_by_hand():
    a = [torch.tensor([4.0, 3.0, 2.0, 1.0])]
    b = [torch.tensor([4.0, 1.0, 3.0, 2.0])]
    overlap = mask_overlap(a, b, 2, uniform=True)
    assert overlap.jaccard == pytest.approx(1 / 3)  # {0, 1} and {0, 2}
    assert overlap.rank_correlation == pytest.approx(1 - 6 * (4 + 1 + 1) / (4 * 15))
    assert mask_overlap(a, a, 2, uniform=False).jaccard == 1
    assert rank_correlation(a, [-a[0]]) == pytest.approx(-1)
    assert rank_correlation(a, [torch.ones(4)]) == 0
    assert jaccard(((0,),), ((1,),)) == 0


# --- files --------------------------------------------------------------------------------------


@pytest.fixture
def measured():
    model = tiny_model("bert", "masked_lm")
    importance = measure_importance(model, [], "random", seed=1)
    return model, replace(importance, languages=("swh-Latn",))


def test_a_file_gives_back_what_was_saved(tmp_path, measured):
    model, importance = measured
    importance.save(tmp_path / "new" / "importance.safetensors", model)
    other_head = tiny_model("bert", "token_classification")
    for reader in (model, other_head):  # the same seed: the same layers under another head
        other_head.bert.load_state_dict(model.bert.state_dict(), strict=False)
        found = Importance.load(tmp_path / "new" / "importance.safetensors", reader)
        assert (found.scorer, found.languages) == ("random", ("swh-Latn",))
        for kind in KINDS:
            pairs = zip(found.of(kind), importance.of(kind), strict=True)
            assert all(torch.equal(one, other) for one, other in pairs)


def test_a_file_of_another_model_is_refused(tmp_path, measured):
    model, importance = measured
    path = tmp_path / "importance.safetensors"
    importance.save(path, model)
    with pytest.raises(ImportanceFileError, match=r"another model[\s\S]*of other weights"):
        Importance.load(path, tiny_model("bert", seed=1))
    smaller = keep_structures(
        model, Structures.of(model).keep(neurons=((0, 1, 2), tuple(range(9))))
    )
    with pytest.raises(
        ImportanceFileError,
        match=r"2 layers with 4 heads and 48 neurons[\s\S]*this model: .* 4 heads and 3-9 neurons",
    ):
        Importance.load(path, smaller)


def test_a_damaged_missing_or_foreign_file_is_refused(tmp_path, measured):
    model, importance = measured
    path = tmp_path / "importance.safetensors"
    with pytest.raises(ImportanceFileError, match=r"Could not read[\s\S]*importance\.safetensors"):
        Importance.load(path, model)
    importance.save(path, model)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ImportanceFileError, match=r"Could not read[\s\S]*got: +\S"):
        Importance.load(path, model)
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(ImportanceFileError, match=r"a file of something else"):
        Importance.load(path, model)


def test_the_example_of_the_how_to_runs(capsys):
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "prune.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(compile(code, "prune.md", "exec"), {})  # noqa: S102  (our own file)
    assert re.fullmatch(
        r"Jaccard [01]\.\d\d, rank correlation -?[01]\.\d\d\n", capsys.readouterr().out
    )
    recipe = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
    assert parse_recipe(recipe).steps[1].distillation.soft_loss_weight == 0.5


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_importance_that_is_no_number_chooses_nothing(wrong):
    scores = [torch.tensor([1.0, 2.0]), torch.tensor([1.0, wrong])]
    with pytest.raises(NonFiniteScoreError, match=r"no number[\s\S]*in layer\(s\) 1\b"):
        select_units(scores, 2, uniform=True)
