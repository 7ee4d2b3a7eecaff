"""Every family and head computes the same as an export; int8 nearly the same."""

import numpy as np
import onnxruntime
import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import FAMILIES, HEADS

COMBINATIONS = [
    ("bert", "wordpiece", "token_classification"),
    ("bert", "wordpiece", "masked_lm"),
    ("xlm_roberta", "unigram", "encoder"),
    ("xlm_roberta", "unigram", "token_classification"),
    ("distilbert", "wordpiece", "sequence_classification"),
    ("modernbert", "bpe_byte_fallback", "masked_lm"),
    ("deberta_v2", "unigram", "token_classification"),
]
OTHERS = [
    (family, "unigram", head)
    for family in FAMILIES
    for head in HEADS
    if (family, head) not in {(first, last) for first, _, last in COMBINATIONS}
]
ALL = [
    *COMBINATIONS,
    *(pytest.param(*combination, marks=pytest.mark.slow) for combination in OTHERS),
]
over_all = pytest.mark.parametrize(("family", "kind", "head"), ALL)


def outputs(exported, seed, shape, *, padded):
    """Outputs of source and export on random ids."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, exported.model.config.vocab_size, shape, generator=generator)
    mask = torch.ones_like(ids)
    if padded:
        mask[0, shape[1] // 3 :] = 0
    with torch.no_grad():
        expected = exported.model(input_ids=ids, attention_mask=mask)[0]
    session = onnxruntime.InferenceSession(exported.directory / "model.onnx")
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    actual = torch.from_numpy(session.run(None, feed)[0])
    if expected.dim() == 3:
        return actual[mask.bool()], expected[mask.bool()]
    return actual, expected


@over_all
def test_graph_before_rounding_gives_the_models_outputs(exported, family, kind, head):
    record = exported(family, kind, head, int8=True).record
    assert 0 < record.max_difference_float <= 1e-4
    assert record.num_sentences > 30
    assert record.exporter == "transformers"


@over_all
def test_int8_is_near_the_source(exported, family, kind, head):
    result = exported(family, kind, head, int8=True)
    actual, expected = outputs(result, 1, (3, 40), padded=True)
    cosine = torch.nn.functional.cosine_similarity(actual, expected, dim=-1)
    assert cosine.mean() > 0.99
    assert result.record.mean_cosine > 0.99
    assert result.record.max_difference > result.record.max_difference_float


@over_all
def test_record_tells_agreement_of_scores_only(exported, family, kind, head):
    agreement = exported(family, kind, head, int8=True).record.agreement
    if head == "encoder":
        assert agreement is None
    else:
        assert 0.8 < agreement <= 1.0


@pytest.mark.parametrize(
    ("shape", "padded"),
    [((1, 1), False), ((1, 2), False), ((5, 7), False), ((5, 7), True), ((2, 100), True)],
)
def test_float_export_takes_any_batch_and_length(tagger, shape, padded):
    actual, expected = outputs(tagger, 2, shape, padded=padded)
    assert_parity(actual, expected, atol=1e-5)


def test_sliding_window_is_kept_beyond_its_width(exported):
    # 40 tokens against a window of 8: a graph that attends everywhere would differ
    result = exported("modernbert", "bpe_byte_fallback", "masked_lm", int8=True)
    assert result.model.config.local_attention == 8
    assert result.record.max_difference_float <= 1e-4
    assert result.record.num_tokens > 30 * 8


def test_graph_has_two_inputs_with_named_axes_and_one_output(tagger):
    session = onnxruntime.InferenceSession(tagger.directory / "model.onnx")
    inputs = {value.name: (value.shape, value.type) for value in session.get_inputs()}
    axes = (["batch", "sequence"], "tensor(int64)")
    assert inputs == {"input_ids": axes, "attention_mask": axes}
    (output,) = session.get_outputs()
    assert (output.name, output.shape) == ("logits", ["batch", "sequence", 5])


def test_encoder_gives_its_last_hidden_state(exported):
    result = exported("xlm_roberta", "unigram", "encoder", int8=True)
    session = onnxruntime.InferenceSession(result.directory / "model.onnx")
    (output,) = session.get_outputs()
    assert (output.name, output.shape) == ("last_hidden_state", ["batch", "sequence", 32])


def test_sentence_head_has_no_sequence_axis(exported):
    result = exported("distilbert", "wordpiece", "sequence_classification", int8=True)
    session = onnxruntime.InferenceSession(result.directory / "model.onnx")
    (output,) = session.get_outputs()
    assert output.shape == ["batch", 3]


def test_int8_result_of_a_sentence_does_not_depend_on_its_neighbours(int8_tagger):
    session = onnxruntime.InferenceSession(int8_tagger.directory / "model.onnx")
    generator = np.random.default_rng(0)
    ids = generator.integers(5, int8_tagger.model.config.vocab_size, (6, 30))
    mask = np.ones_like(ids)
    together = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    for row in range(6):
        feed = {"input_ids": ids[row : row + 1], "attention_mask": mask[row : row + 1]}
        assert_parity(session.run(None, feed)[0][0], together[row], atol=1e-5)
