import torch

from tests.training.sentences import Sentence
from tinyglot.training import PaddingCollator

SHORT = Sentence([7, 8], [-100, 1])
LONG = Sentence([5, 6, 7], [-100, 0, 2])


def test_pads_to_the_longest():
    batch = PaddingCollator(pad_token_id=9)([SHORT, LONG])
    assert batch["input_ids"].tolist() == [[7, 8, 9], [5, 6, 7]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [[-100, 1, -100], [-100, 0, 2]]


def test_rounds_the_length_up():
    batch = PaddingCollator(pad_token_id=0, multiple_of=4)([LONG])
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "input_ids": (1, 4),
        "attention_mask": (1, 4),
        "labels": (1, 4),
    }


def test_tensors_are_what_models_take():
    assert {t.dtype for t in PaddingCollator(0)([SHORT]).values()} == {torch.int64}
