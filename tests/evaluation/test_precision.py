import numpy as np
import pytest
import torch

from tests.tiny import tiny_pair
from tinyglot.data.conll import TaggedSentence
from tinyglot.evaluation.precision import changed_predictions, describe_changes
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.tasks import get_task

LABELS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
SENTENCE = TaggedSentence(("Juma", "anaishi", "Nairobi"), ("B-PER", "O", "B-LOC"))
EXAMPLES = {"swh-Latn": [SENTENCE] * 100, "yor-Latn": [SENTENCE] * 3}


@pytest.fixture(scope="module")
def pair():
    return tiny_pair("bert", "wordpiece", "token_classification", 0)


def test_a_model_agrees_with_itself_on_a_sample_of_each_language(pair):
    model, tokenizer = pair
    same = torch_predictor(model)
    changes = changed_predictions((same, same), tokenizer, LABELS, get_task("ner"), EXAMPLES)
    assert changes == {"swh-Latn": (0, 64), "yor-Latn": (0, 3)}


def test_every_changed_prediction_is_counted(pair):
    model, tokenizer = pair
    usual = torch_predictor(model)
    turned = lambda batch: -usual(batch)  # noqa: E731  (a model with its outputs turned round)
    changes = changed_predictions((usual, turned), tokenizer, LABELS, get_task("ner"), EXAMPLES)
    assert changes == {"swh-Latn": (64, 64), "yor-Latn": (3, 3)}
    assert describe_changes(changes).endswith("(swh-Latn 64 of 64, yor-Latn 3 of 3)")


def test_bf16_is_another_arithmetic_of_the_same_weights(pair):
    model, _ = pair
    batch = {
        "input_ids": np.arange(5, 13).reshape(1, 8),
        "attention_mask": np.ones((1, 8), np.int64),
    }
    before = {name: value.clone() for name, value in model.state_dict().items()}
    exact, fast = torch_predictor(model)(batch), torch_predictor(model, precision="bf16")(batch)
    spread = np.abs(exact).max()
    assert 0 < np.abs(exact - fast).max() < 0.05 * spread
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
