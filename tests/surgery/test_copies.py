import pytest
import torch

from tests.architectures.zoo import TIED_LMS, ZOO, run, sample_batch, zoo_model
from tests.parity import assert_parity
from tinyglot.architectures import view
from tinyglot.surgery import copy_model

IDS, MASK = sample_batch(torch.arange(20, 90), padding_id=3)


def _storages(model) -> set[int]:
    return {tensor.data_ptr() for tensor in view(model).named_tensors().values()}


@pytest.mark.parametrize("name", ZOO)
def test_a_copy_computes_the_same_and_shares_no_memory(name):
    model = zoo_model(name)
    copied = copy_model(model)
    expected = run(model, IDS, MASK)
    for key, value in run(copied, IDS, MASK).items():
        assert_parity(value, expected[key])
    assert not _storages(model) & _storages(copied)


@pytest.mark.parametrize("name", TIED_LMS)
def test_a_replaced_tied_weight_is_replaced_under_all_its_names(name):
    model = zoo_model(name)
    old = view(model).word_embeddings.weight
    new = torch.nn.Parameter(torch.zeros(5, old.shape[1]))
    copied = view(copy_model(model, {old: new}))
    names = {n for n, t in view(model).named_tensors().items() if t is old}
    assert len(names) == (1 if "new head" in name else 2)
    assert {n for n, t in copied.named_tensors().items() if t is new} == names


def test_what_is_replaced_is_not_copied(monkeypatch):
    model = zoo_model("BertModel")
    old = model.embeddings.word_embeddings.weight
    copied_shapes = []
    deepcopy = torch.nn.Parameter.__deepcopy__

    def record(parameter, memo):
        copied_shapes.append(tuple(parameter.shape))
        return deepcopy(parameter, memo)

    monkeypatch.setattr(torch.nn.Parameter, "__deepcopy__", record)
    copy_model(model, {old: torch.nn.Parameter(torch.zeros(5, 32))})
    assert (70, 32) in copied_shapes
    assert tuple(old.shape) not in copied_shapes


def test_a_module_can_be_replaced():
    model = zoo_model("BertModel")
    new = torch.nn.Identity()
    copied = copy_model(model, {model.encoder.layer[1]: new})
    assert copied.encoder.layer[1] is new
    assert model.encoder.layer[1] is not new


def test_a_buffer_can_be_replaced():
    model = zoo_model("BertModel")
    new = torch.arange(3)
    assert copy_model(model, {model.embeddings.position_ids: new}).embeddings.position_ids is new


def test_a_copy_has_its_own_configuration_in_all_modules():
    model = zoo_model("ModernBertForMaskedLM")
    copied = copy_model(model)
    copied.config.vocab_size = 3
    assert copied.model.layers[0].attn.config.vocab_size == 3
    assert model.config.vocab_size == 1009


def test_frozen_parameters_stay_frozen():
    model = zoo_model("BertModel")
    model.embeddings.requires_grad_(requires_grad=False)
    copied = copy_model(model)
    assert not copied.embeddings.word_embeddings.weight.requires_grad
    assert copied.encoder.layer[0].output.dense.weight.requires_grad
