import re

import pytest

from tests.architectures.zoo import zoo_model
from tinyglot.architectures import view


def _is_ignorable(model_name: str, tensor_name: str) -> bool:
    patterns = view(zoo_model(model_name)).ignorable_tensors
    return any(re.search(pattern, tensor_name) for pattern in patterns)


@pytest.mark.parametrize(
    ("model", "tensor"),
    [
        ("BertForMaskedLM", "cls.seq_relationship.weight"),
        ("BertForMaskedLM", "bert.pooler.dense.bias"),
        ("BertModel", "cls.predictions.transform.dense.weight"),
        ("BertModel", "embeddings.position_ids"),
        ("XLMRobertaForTokenClassification", "roberta.pooler.dense.weight"),
        ("XLMRobertaForTokenClassification", "lm_head.layer_norm.bias"),
        ("DistilBertModel", "vocab_layer_norm.weight"),
        ("ModernBertModel", "head.dense.weight"),
        ("ModernBertForTokenClassification", "decoder.bias"),
        ("DebertaV2Model", "lm_predictions.lm_head.bias"),
        ("DebertaV2ForMaskedLM", "mask_predictions.dense.weight"),
    ],
)
def test_known_leftovers_are_ignorable(model, tensor):
    assert _is_ignorable(model, tensor)


@pytest.mark.parametrize(
    ("model", "tensor"),
    [
        ("BertForMaskedLM", "cls.predictions.decoder2.weight"),
        ("BertModel", "encoder.layer.4.attention.self.query.weight"),
        ("BertModel", "classifier.weight"),
        ("XLMRobertaForMaskedLM", "lm_head.dense2.weight"),
        ("DistilBertForMaskedLM", "vocab_projector.weight"),
        ("ModernBertForMaskedLM", "decoder.bias"),
        ("DebertaV2ForMaskedLM", "lm_predictions.lm_head.bias"),
    ],
)
def test_what_the_model_should_use_is_not_ignorable(model, tensor):
    assert not _is_ignorable(model, tensor)
