import numpy as np
import pytest
import torch

from tests.tiny import tiny_pair
from tinyglot import api
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import Parallel
from tinyglot.errors import TaskOptionError
from tinyglot.evaluation.precision import changed_predictions, describe_changes
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.tasks import get_task
from tinyglot.tasks.retrieval import Retrieved

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


def test_a_margin_that_is_rounded_otherwise_changes_no_decision():
    task, found = get_task("retrieval"), Retrieved(3, 3, 1.25)
    assert task.decision(found) == task.decision(found._replace(score=1.26)) == (3, 3)
    assert task.decision(found) != task.decision(found._replace(mined=-1))


def test_vectors_of_another_length_retrieve_the_same():
    model, tokenizer = tiny_pair("bert", "wordpiece")
    usual = torch_predictor(model, hidden_layer=-1)
    nudged = lambda batch: usual(batch) + np.float32(1e-4)  # noqa: E731  (bf16 moves them more)
    words = ("Juma anaishi Nairobi", "leo", "Asha yuko Dodoma")
    pairs = {"swh-Latn": [Parallel(word, word) for word in words]}
    task = get_task("retrieval", {"k": 1})
    assert changed_predictions((usual, nudged), tokenizer, (), task, pairs) == {"swh-Latn": (0, 3)}


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_a_task_without_decisions_has_one_precision(precision):
    with pytest.raises(TaskOptionError, match=rf"the task mlm[\s\S]*--precision {precision}"):
        api.evaluate("no model", task="mlm", data="d", languages=["sw"], precision=precision)
