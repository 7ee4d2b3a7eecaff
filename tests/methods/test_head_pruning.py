"""Removing attention heads: what stays, what it computes, what is refused."""

import pytest
import torch
import yaml
from pydantic import ValidationError

from tests.methods.unit_pruning import (
    apply,
    blocks_of_the_card,
    labelled,
    plan_of,
    run_the_card,
    texts,
    trained_pair,
)
from tests.tiny import FAMILIES, tiny_inputs, tiny_pair
from tinyglot.architectures import view
from tinyglot.errors import ImportanceFileError, NoEffectError, StructureRangeError
from tinyglot.importance import Gates, gated, measure_importance, normalised_by_layer
from tinyglot.methods.contract import Context
from tinyglot.methods.head_pruning import HeadPruningConfig
from tinyglot.methods.registry import get_method
from tinyglot.training.pruning import read_calibration


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stays_computes_what_the_gated_model_does(family, tmp_path):
    model, tokenizer = tiny_pair(family, "unigram", "token_classification")
    pair, context = (model.double(), tokenizer), texts(tmp_path)
    plan = plan_of("head_pruning", pair, context, pruning_ratio=0.4, shape="free")
    gates = Gates.ones(model)
    with torch.no_grad():
        for gate, kept in zip(gates.heads, plan.kept, strict=True):
            gate.zero_()[list(kept)] = 1
    inputs = tiny_inputs(tokenizer)
    with torch.no_grad(), gated(model, gates):
        expected = model(**inputs)[0]
    smaller = apply(plan, pair, context)
    with torch.no_grad():
        assert (smaller(**inputs)[0] - expected).abs().max() <= 1e-12
        assert (model(**inputs)[0] - expected).abs().max() > 1e-6
    assert view(smaller).num_heads == plan.num_kept == tuple(map(len, plan.kept))
    assert smaller.num_parameters() == plan.num_parameters_after


def test_the_importance_is_michels(tmp_path):
    """Mean over sentences of the absolute gradient, divided by the norm of the layer."""
    pair, context = trained_pair(), labelled(tmp_path)
    plan = plan_of("head_pruning", pair, context, calibration_sentences=5)
    calibration = read_calibration(*pair, plan.config, context)
    batches = calibration.batches(("swh-Latn", "deu-Latn"), pair[0].config.pad_token_id)
    found = normalised_by_layer(measure_importance(pair[0], batches, "taylor").heads)
    assert plan.loss == calibration.loss == "labels"
    assert plan.num_sentences == {"swh-Latn": 5, "deu-Latn": 5}
    for layer, heads in zip(plan.importance, found, strict=True):
        assert layer == pytest.approx(heads.tolist(), rel=1e-5)
    best = [torch.argsort(heads, descending=True)[:2].sort().values for heads in found]
    assert plan.kept == tuple(tuple(heads.tolist()) for heads in best)


def test_a_plan_says_that_fewer_heads_are_not_stock(tmp_path):
    lines = plan_of("head_pruning", trained_pair("bert", "wordpiece"), texts(tmp_path)).summary()
    assert lines[0] == "keep 4 of 8 heads, 2 in each layer"
    assert any(line.startswith("not stock: 2 heads in every layer") for line in lines)
    assert any("slim" in line for line in lines)
    assert any("dynamic_sparsification" in line for line in lines)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_heads": 9}, StructureRangeError, r"num_heads 9[\s\S]*1 to 3 heads a layer"),
        ({"num_heads": 4}, NoEffectError, r"8 of 8[\s\S]*fewer than 8 heads"),
        (
            {"pruning_ratio": 0.95},
            StructureRangeError,
            r"pruning_ratio 0\.95: 0 a layer[\s\S]*leaves a head in each",
        ),
        ({"pruning_ratio": 0.95, "shape": "free"}, StructureRangeError, r"0 a layer"),
        ({"pruning_ratio": 0.05}, NoEffectError, r"pruning_ratio 0\.05: 8 of 8"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(options, error, message):
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(error, match=message):
        plan_of("head_pruning", pair, Context(), scorer="magnitude", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"give num_heads, how many stay in each layer, or pruning_ratio, and not both"),
        ({"num_heads": 2, "pruning_ratio": 0.5}, r"or pruning_ratio, and not both"),
        ({"num_heads": 2, "distillation": {}}, r"distillation needs recovery: train"),
        ({"num_heads": 2, "steps_between": 5}, r"steps_between needs recovery: train"),
        ({"num_heads": 2, "importance_file": "f", "iterations": 2}, r"one iteration only"),
        (
            {"num_heads": 2, "importance_file": "f", "scorer": "random", "aggregate": "mean"},
            r"nothing to measure: leave out scorer, aggregate",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        HeadPruningConfig(**options)


def test_importance_of_another_model_is_refused(tmp_path):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    importance = measure_importance(model, [], "random", seed=5)
    path = tmp_path / "importance.safetensors"
    importance.save(path, model)
    options = {"importance_file": path, "normalise_layers": False}
    plan = plan_of("head_pruning", (model, tokenizer), Context(), **options)
    assert plan.importance[1] == pytest.approx(importance.heads[1].tolist(), rel=1e-5)
    with pytest.raises(ImportanceFileError, match=r"another model[\s\S]*4 heads and 48 neurons"):
        plan_of("head_pruning", tiny_pair("bert", "wordpiece", seed=1), Context(), **options)


def test_the_card_prints_what_it_says_and_its_recipe_is_valid(capsys):
    run_the_card("head_pruning")
    assert capsys.readouterr().out == blocks_of_the_card("head_pruning", "text")[0]
    steps = yaml.safe_load(blocks_of_the_card("head_pruning", "yaml")[0])["steps"]
    configs = [get_method(step["method"]).config_class(**step) for step in steps]
    assert [config.method for config in configs] == ["fine_tuning", "head_pruning"]
