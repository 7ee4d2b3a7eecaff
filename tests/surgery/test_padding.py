"""Uneven layers filled up with zeros: the same function, an ordinary shape, the stated price."""

import pytest
import torch

from tests.slim import outputs, uneven
from tests.tiny import FAMILIES, HEADS, tiny_model
from tinyglot.architectures import Shape, nearest_stock_shape
from tinyglot.surgery import (
    count_parameters,
    keep_structures,
    pad_to_stock,
    verify_reload,
)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", HEADS)
def test_the_padded_model_is_ordinary_and_computes_the_same(family, head):
    model = tiny_model(family, head)
    cut = keep_structures(model.double(), uneven(model))
    padded = pad_to_stock(cut)
    assert type(padded) is type(model)
    assert type(padded.base_model) is type(model.base_model)
    assert not hasattr(padded.config, "slim")
    assert (outputs(padded) - outputs(cut)).abs().max() <= 1e-12
    assert (outputs(padded) - outputs(model)).abs().max() > 1e-6
    verify_reload(padded)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_price_is_the_one_stated(family):
    model = tiny_model(family, "token_classification")
    cut = keep_structures(model, uneven(model))
    projection = nearest_stock_shape(cut, Shape.of(cut))
    padded = pad_to_stock(cut)
    assert Shape.of(padded) == projection.nearest
    assert count_parameters(padded).num_parameters == projection.num_parameters
    assert count_parameters(cut).num_parameters == projection.num_parameters_requested


def test_a_stock_model_is_copied():
    model = tiny_model("bert")
    copy = pad_to_stock(model)
    assert torch.equal(outputs(copy), outputs(model))
    addresses = {parameter.data_ptr() for parameter in model.parameters()}
    assert addresses.isdisjoint(parameter.data_ptr() for parameter in copy.parameters())
