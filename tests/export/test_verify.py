"""Comparing is only worth something if it finds differences."""

import numpy as np
import pytest
import torch

from tests.tiny import tiny_pair
from tinyglot.errors import ParityError
from tinyglot.export.verify import Sample, check_parity, compare, make_samples

SAMPLES = [Sample("swh-Latn", [2, 5, 6, 3]), Sample("eng-Latn", [2, 9, 3]), Sample("x", [2])]


@pytest.fixture(scope="module")
def pair():
    return tiny_pair("bert", "wordpiece", "token_classification")


def as_predictor(model, change=lambda logits, batch: None):
    def predictor(batch):
        with torch.no_grad():
            logits = model(**{key: torch.from_numpy(value) for key, value in batch.items()})[0]
        logits = logits.numpy()
        change(logits, batch)
        return logits

    return predictor


def test_the_model_does_not_differ_from_itself(pair):
    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model), SAMPLES, 0)
    assert (difference.max_difference, difference.agreement) == (0.0, 1.0)
    assert difference.mean_cosine == pytest.approx(1.0)
    assert (difference.num_sentences, difference.num_tokens) == (3, 8)


def test_one_changed_value_is_found_and_named(pair):
    def change(logits, batch):
        logits[batch["input_ids"] == 9, 2] += 0.5

    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model, change), SAMPLES, 0)
    assert difference.max_difference == pytest.approx(0.5, abs=1e-6)
    assert difference.worst_input == "eng-Latn (token ids 2, 9, 3)"


def test_padding_is_not_compared(pair):
    def change(logits, batch):
        logits[batch["attention_mask"] == 0] = 1e6

    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model, change), SAMPLES, 0)
    assert difference.max_difference == 0.0


def test_agreement_is_the_share_of_equal_answers(pair):
    def change(logits, batch):
        # of 8 tokens, the 3 with id 2 get another best label
        second = np.argsort(logits[batch["input_ids"] == 2], axis=-1)[:, -2]
        logits[batch["input_ids"] == 2, second] += 100

    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model, change), SAMPLES, 0)
    assert difference.agreement == 5 / 8


def test_turned_vectors_have_another_cosine(pair):
    def change(logits, batch):
        logits *= -1

    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model, change), SAMPLES, 0)
    assert difference.mean_cosine == pytest.approx(-1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_output_that_is_no_number_is_refused(pair, value):
    def change(logits, batch):
        logits[batch["input_ids"] == 9] = value

    model, _ = pair
    message = r"infinite or no number[\s\S]*1 sequence\(s\), the first: eng-Latn"
    with torch.no_grad(), pytest.raises(ParityError, match=message):
        compare(model, as_predictor(model, change), SAMPLES, 0)


def test_tolerance_is_a_border(pair):
    def change(logits, batch):
        logits[0, 0, 0] += 0.25

    model, _ = pair
    with torch.no_grad():
        difference = compare(model, as_predictor(model, change), SAMPLES, 0)
    check_parity(difference, 0.26, "export")
    message = r"the export computes something else[\s\S]*0\.25[\s\S]*at most 0\.24 on 3 sequences"
    with pytest.raises(ParityError, match=message):
        check_parity(difference, 0.24, "export")


def test_samples_are_text_and_random_ids_up_to_the_longest(pair):
    model, tokenizer = pair
    samples = make_samples(model, tokenizer, {"eng-Latn": ["one two", "three " * 500]})
    lengths = [len(sample.input_ids) for sample in samples]
    assert samples[0].input_ids == tokenizer("one two")["input_ids"]
    assert lengths[1] == 128 == model.config.max_position_embeddings
    assert lengths[2:] == [1, 2, 5, 33, 64, 128]
    assert samples[2].name == "1 random token ids"


def test_random_ids_are_no_padding(pair):
    model, tokenizer = pair
    random = [sample.input_ids for sample in make_samples(model, tokenizer, {})]
    ids = {token_id for sequence in random for token_id in sequence}
    assert tokenizer.pad_token_id not in ids
    assert 0 <= min(ids) <= max(ids) < model.config.vocab_size
    assert len(ids) > 100


def test_roberta_sequences_leave_out_the_positions_it_cannot_use():
    model, tokenizer = tiny_pair("xlm_roberta", "unigram")
    samples = make_samples(model, tokenizer, {})
    assert model.config.max_position_embeddings == 130
    assert max(len(sample.input_ids) for sample in samples) == 128
