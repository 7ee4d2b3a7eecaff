import pytest
from torch import nn

from tests.tiny import FAMILIES, tiny_model
from tests.training.sentences import sentences
from tinyglot.training import (
    TrainingConfig,
    decayed_parameter_names,
    parameter_groups,
    train,
)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_embedding_bias_or_norm_decays(family):
    model = tiny_model(family, "token_classification")
    names = decayed_parameter_names(model)
    modules = {name.rpartition(".")[0] for name in names}
    assert {type(model.get_submodule(name)) for name in modules} == {nn.Linear}
    assert all(name.endswith("weight") for name in names)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_linear_weights_decay(family):
    model = tiny_model(family, "token_classification")
    linear = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    assert set(decayed_parameter_names(model)) == linear


def test_a_matrix_tied_to_an_embedding_does_not_decay():
    model = tiny_model("bert", "masked_lm")
    assert "cls.predictions.decoder.weight" not in decayed_parameter_names(model)


def names_of(model, group):
    members = {id(parameter) for parameter in group["params"]}
    return {name for name, parameter in model.named_parameters() if id(parameter) in members}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rate", [None, 0.5])
def test_every_parameter_is_in_one_group(family, rate):
    model = tiny_model(family, "token_classification")
    grouped = [id(p) for group in parameter_groups(model, 0.1, rate) for p in group["params"]]
    assert sorted(grouped) == sorted(map(id, model.parameters()))


def test_the_head_has_its_own_rate():
    model = tiny_model("bert", "token_classification")
    groups = parameter_groups(model, 0.1, head_learning_rate=0.5)
    own_rate = {
        (name, group["weight_decay"])
        for group in groups
        if group.get("lr") == 0.5
        for name in names_of(model, group)
    }
    assert own_rate == {("classifier.weight", 0.1), ("classifier.bias", 0.0)}


def test_frozen_parameters_are_left_out():
    model = tiny_model("bert", "token_classification")
    for parameter in model.base_model.parameters():
        parameter.requires_grad = False
    groups = parameter_groups(model, 0.1)
    assert [names_of(model, group) for group in groups] == [
        {"classifier.weight"},
        {"classifier.bias"},
    ]


def test_a_fast_head_moves_more_than_its_encoder():
    model = tiny_model("bert", "token_classification")
    config = TrainingConfig(max_steps=2, batch_size=8, learning_rate=1e-5, head_learning_rate=1e-2)
    trained = train(model, sentences(16), config).model

    def moved(name):
        return (trained.get_parameter(name) - model.get_parameter(name)).abs().max().item()

    assert moved("bert.encoder.layer.0.output.dense.weight") < 1e-4
    assert moved("classifier.weight") > 5e-3
