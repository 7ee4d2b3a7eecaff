import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given

from tests.parity import assert_parity
from tests.tiny import tiny_model, tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot.data.conll import TaggedSentence
from tinyglot.errors import NonFiniteOutputError
from tinyglot.evaluation.predict import predict, torch_predictor
from tinyglot.tasks import Encoded, get_task

LABELS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
PAD = 9


def sequences(*lengths):
    """Sequence ``i`` has ids that name it: ``100 * i`` and up."""
    return [
        Encoded(input_ids=[100 * i + k for k in range(length)], labels=[], example=i)
        for i, length in enumerate(lengths)
    ]


class Recorder:
    """A model whose only output is the token id, and which remembers its batches."""

    def __init__(self):
        self.batches = []

    def __call__(self, batch):
        self.batches.append(batch)
        return batch["input_ids"][..., None].astype(np.float32)


def test_outputs_stand_in_the_given_order_without_padding():
    outputs = predict(Recorder(), sequences(2, 5, 3), PAD)
    assert [rows[:, 0].tolist() for rows in outputs] == [
        [0, 1],
        [100, 101, 102, 103, 104],
        [200, 201, 202],
    ]


def test_shorter_sequences_are_padded_and_masked():
    recorder = Recorder()
    predict(recorder, sequences(1, 3), PAD)
    [batch] = recorder.batches
    assert batch["input_ids"].tolist() == [[100, 101, 102], [0, PAD, PAD]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert {array.dtype for array in batch.values()} == {np.dtype(np.int64)}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(1, 100))
def test_no_batch_has_more_tokens_than_allowed(lengths, batch_tokens):
    recorder = Recorder()
    predict(recorder, sequences(*lengths), PAD, batch_tokens)
    sizes = [batch["input_ids"].shape for batch in recorder.batches]
    assert sum(rows for rows, _ in sizes) == len(lengths)
    assert all(rows * columns <= batch_tokens or rows == 1 for rows, columns in sizes)


def test_batches_hold_sequences_of_about_one_length():
    recorder = Recorder()
    predict(recorder, sequences(8, 1, 8, 1, 1), PAD, batch_tokens=16)
    assert [batch["input_ids"].shape for batch in recorder.batches] == [(2, 8), (3, 1)]


def test_batches_do_not_depend_on_the_order_of_equally_long_sequences():
    straight, reversed_ = Recorder(), Recorder()
    predict(straight, sequences(2, 2, 2, 2, 2), PAD, batch_tokens=4)
    predict(reversed_, sequences(2, 2, 2, 2, 2)[::-1], PAD, batch_tokens=4)
    ids = [[b["input_ids"].tolist() for b in r.batches] for r in (straight, reversed_)]
    assert ids[0] == ids[1]


def test_no_sequences_have_no_outputs():
    assert predict(Recorder(), [], PAD) == []


def encoded_text(tokenizer):
    words = [line.split() for line in TINY_TEXT[::3]]
    examples = [TaggedSentence(tuple(line), ("O",) * len(line)) for line in words]
    return get_task("ner").encode(examples, tokenizer, LABELS, 64)


@pytest.mark.parametrize("family", ["bert", "xlm_roberta", "distilbert"])
def test_any_order_gives_the_same_bits_for_each_sequence(family):
    model, tokenizer = tiny_pair(family, "unigram", "token_classification")
    encoded = encoded_text(tokenizer)
    order = np.random.default_rng(0).permutation(len(encoded))
    predictor = torch_predictor(model)
    straight = predict(predictor, encoded, tokenizer.pad_token_id, batch_tokens=200)
    shuffled = predict(
        predictor, [encoded[i] for i in order], tokenizer.pad_token_id, batch_tokens=200
    )
    for position, outputs in zip(order, shuffled, strict=True):
        assert_parity(outputs, straight[position])


@pytest.mark.parametrize(
    "family", ["bert", "xlm_roberta", "distilbert", "modernbert", "deberta_v2"]
)
def test_padding_changes_no_output(family):
    model, tokenizer = tiny_pair(family, "unigram", "token_classification")
    encoded = encoded_text(tokenizer)
    predictor = torch_predictor(model)
    together = predict(predictor, encoded, tokenizer.pad_token_id)
    alone = predict(predictor, encoded, tokenizer.pad_token_id, batch_tokens=1)
    assert_parity(np.concatenate(together), np.concatenate(alone), atol=1e-4)


def test_a_torch_predictor_gives_the_models_logits_in_fp32():
    model = tiny_model("bert", "token_classification")
    batch = {"input_ids": np.array([[2, 7, 8, 3]]), "attention_mask": np.ones((1, 4), np.int64)}
    outputs = torch_predictor(model)(batch)
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[2, 7, 8, 3]])).logits
    assert outputs.dtype == np.float32
    assert_parity(outputs, expected)


def test_a_torch_predictor_predicts_without_dropout_and_leaves_the_mode():
    model = tiny_model("bert", "token_classification").train()
    batch = {"input_ids": np.array([[2, 7, 8, 3]]), "attention_mask": np.ones((1, 4), np.int64)}
    predictor = torch_predictor(model)
    assert_parity(predictor(batch), predictor(batch))
    assert model.training


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_outputs_that_are_not_finite(value):
    def broken(batch):
        outputs = Recorder()(batch)
        outputs[batch["input_ids"] == 101] = value
        return outputs

    with pytest.raises(NonFiniteOutputError, match=r"1 of 3 values of sequence 1"):
        predict(broken, sequences(2, 3), PAD)
