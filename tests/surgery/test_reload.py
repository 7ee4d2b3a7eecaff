import pytest
import torch
from transformers.utils import logging

from tests.architectures.zoo import ZOO, zoo_model
from tinyglot.errors import ParityError
from tinyglot.surgery import evaluation_mode, verify_reload


@pytest.mark.parametrize("name", ZOO)
def test_a_model_as_transformers_made_it_passes(name):
    model = zoo_model(name)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    verify_reload(model)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


def test_what_is_in_neither_weights_nor_configuration_is_found():
    model = zoo_model("BertModel")
    model.encoder.layer[1].attention.self.scaling *= 2
    with pytest.raises(ParityError, match=r"differ by up to 0\.\d+[\s\S]*bit for bit"):
        verify_reload(model)


def test_a_configuration_of_other_sizes_is_found():
    model = zoo_model("BertModel")
    model.config.intermediate_size = 40
    with pytest.raises(ParityError, match="its checkpoint would not load"):
        verify_reload(model)


def test_a_configuration_with_fewer_layers_is_found():
    model = zoo_model("BertModel")
    model.config.num_hidden_layers = 3
    with pytest.raises(ParityError, match="would load as another model"):
        verify_reload(model)


def test_a_model_in_training_stays_in_training():
    model = zoo_model("BertModel").train()
    model.pooler.eval()
    verify_reload(model)
    assert model.training
    assert not model.pooler.training


def test_nothing_is_printed_and_verbosity_is_given_back(capfd):
    logging.set_verbosity_info()
    try:
        verify_reload(zoo_model("BertModel no pooler"))
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity_warning()
    assert capfd.readouterr() == ("", "")


def _fail_in_evaluation_mode(model) -> None:
    with evaluation_mode(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        raise ZeroDivisionError("on purpose")


def test_evaluation_mode_gives_each_module_its_mode_back_even_after_an_error():
    model = zoo_model("BertModel").train()
    model.encoder.layer[0].eval()
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        _fail_in_evaluation_mode(model)
    assert model.training
    assert model.encoder.layer[1].training
    assert not model.encoder.layer[0].training
    assert torch.is_grad_enabled()
