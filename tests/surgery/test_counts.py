import pytest

from tests.architectures.zoo import zoo_model
from tinyglot.surgery import count_parameters, gather_vocabulary, keep_layers

# hidden 32, ffn 48: four projections, two feed-forward matrices, two norms, all with bias
LAYER = 4 * (32 * 32 + 32) + (32 * 48 + 48) + (48 * 32 + 32) + 2 * (32 + 32)
EMBEDDINGS = 1009 * 32
POSITIONS_TYPES_NORM = 70 * 32 + 2 * 32 + 2 * 32
TRANSFORM = 32 * 32 + 32 + 2 * 32


def test_an_encoder_by_hand():
    counts = count_parameters(zoo_model("BertModel no pooler"))
    assert counts == (EMBEDDINGS + POSITIONS_TYPES_NORM + 4 * LAYER, EMBEDDINGS)


def test_a_tied_head_counts_once():
    counts = count_parameters(zoo_model("BertForMaskedLM"))
    body = POSITIONS_TYPES_NORM + 4 * LAYER + TRANSFORM
    assert counts == (EMBEDDINGS + 1009 + body, EMBEDDINGS + 1009)


def test_an_untied_head_counts_on_its_own():
    counts = count_parameters(zoo_model("BertForMaskedLM untied"))
    # decoder weight, decoder bias and the head's own bias are three more tensors
    assert counts.num_embedding_parameters == 2 * EMBEDDINGS + 2 * 1009


def test_a_dropped_layer_is_one_layer_less():
    model = zoo_model("BertModel")
    before, after = count_parameters(model), count_parameters(keep_layers(model, [0, 1, 3]))
    assert before.num_parameters - after.num_parameters == LAYER
    assert before.num_embedding_parameters == after.num_embedding_parameters


@pytest.mark.parametrize("kept", [12, 100])
def test_a_gathered_vocabulary_is_that_many_rows(kept):
    import torch

    model = gather_vocabulary(zoo_model("DistilBertModel"), torch.arange(kept))
    assert count_parameters(model).num_embedding_parameters == kept * 32
