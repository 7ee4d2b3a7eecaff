import pytest
import torch
from torch import nn

from tests.parity import assert_parity
from tests.tiny import FAMILIES, tiny_model
from tinyglot.training import cross_entropy, decayed_parameter_names

LOGITS = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]]])
LABELS = torch.tensor([[0, -100, 1]])


def test_mean_over_the_labelled_tokens():
    # -log softmax: log(1 + e^-2) for the first token, log 2 for the third
    expected = (torch.log1p(torch.exp(torch.tensor(-2.0))) + torch.log(torch.tensor(2.0))) / 2
    assert_parity([cross_entropy({"logits": LOGITS}, LABELS), 1], [expected, 1], atol=1e-6)


def test_divides_by_the_items_of_the_whole_step():
    loss = cross_entropy({"logits": LOGITS}, LABELS)
    of_step = cross_entropy({"logits": LOGITS}, LABELS, num_items_in_batch=torch.tensor(8))
    assert of_step.item() == pytest.approx(loss.item() / 4, abs=1e-7)


def test_agrees_with_transformers():
    model = tiny_model("bert", "token_classification")
    ids, labels = torch.tensor([[2, 9, 11, 3]]), torch.tensor([[-100, 1, 4, -100]])
    outputs = model(input_ids=ids, labels=labels)
    assert cross_entropy(outputs, labels).item() == pytest.approx(outputs.loss.item(), abs=1e-6)


def test_no_labelled_token_gives_zero():
    assert cross_entropy({"logits": LOGITS}, torch.full((1, 3), -100)).item() == 0.0


def test_bf16_logits_are_averaged_in_fp32():
    assert cross_entropy({"logits": LOGITS.bfloat16()}, LABELS).dtype == torch.float32


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
