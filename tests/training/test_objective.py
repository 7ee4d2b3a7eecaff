import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import tiny_model
from tinyglot.training import cross_entropy

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
