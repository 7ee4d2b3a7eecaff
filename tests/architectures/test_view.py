import pytest
import torch
from transformers import BertConfig, BertModel, T5Config, T5EncoderModel

from tests.architectures.zoo import (
    ENCODERS,
    MASKED_LMS,
    NUM_LAYERS,
    TIED_LMS,
    VOCABULARY,
    ZOO,
    zoo_model,
)
from tinyglot.architectures import check_family, families, view
from tinyglot.errors import UnsupportedArchitectureError

OUR_NAMES = {
    "Bert": "bert",
    "XLMRoberta": "xlm_roberta",
    "Roberta": "xlm_roberta",
    "DistilBert": "distilbert",
    "ModernBert": "modernbert",
    "DebertaV2": "deberta_v2",
}


@pytest.mark.parametrize("name", ZOO)
def test_family(name):
    assert view(zoo_model(name)).family == OUR_NAMES[ZOO[name][0]]


@pytest.mark.parametrize("name", ZOO)
def test_vocabulary_tensors_are_exactly_the_tensors_with_an_axis_of_that_length(name):
    encoder = view(zoo_model(name))
    by_shape = {
        (tensor_name, dim)
        for tensor_name, tensor in encoder.named_tensors().items()
        for dim, length in enumerate(tensor.shape)
        if length == VOCABULARY
    }
    assert set(encoder.vocabulary_tensors()) == by_shape
    assert len(encoder.vocabulary_tensors()) == len(by_shape)


@pytest.mark.parametrize("name", ZOO)
def test_word_embeddings_come_first_and_have_the_vocabulary(name):
    encoder = view(zoo_model(name))
    first = encoder.named_tensors()[encoder.vocabulary_tensors()[0].name]
    assert first is encoder.word_embeddings.weight
    assert encoder.num_token_ids == VOCABULARY


@pytest.mark.parametrize("name", ZOO)
def test_the_encoder_is_the_model_without_its_head(name):
    model = zoo_model(name)
    encoder = view(model).encoder
    assert type(encoder).__name__ == ZOO[name][0] + "Model"
    assert (encoder is model) == (name in ENCODERS)


@pytest.mark.parametrize("name", ZOO)
def test_only_a_tied_lm_head_counts_as_tied(name):
    new_head = {"DebertaV2ForMaskedLM new head"}
    tied = {*TIED_LMS, *new_head, "BertForPreTraining"}
    assert view(zoo_model(name)).is_tied == (name in tied)


@pytest.mark.parametrize("name", ZOO)
def test_heads(name):
    encoder = view(zoo_model(name))
    assert (encoder.lm_head is not None) == (name in [*MASKED_LMS, "BertForPreTraining"])
    is_task = any(word in name for word in ("Classification", "Answering"))
    assert (encoder.task_head is not None) == is_task


@pytest.mark.parametrize("name", ENCODERS)
def test_linear_modules_are_all_linear_modules_of_the_layers(name):
    encoder = view(zoo_model(name))
    by_role = encoder.linear_modules()
    assert len(by_role) == NUM_LAYERS
    for layer, modules in zip(encoder.layers, by_role, strict=True):
        linear = [m for m in layer.modules() if isinstance(m, torch.nn.Linear)]
        assert {id(m) for m in modules.values()} == {id(m) for m in linear}


def test_linear_roles_of_a_plain_family_and_of_a_fused_one():
    plain = ["query", "key", "value", "attention_output", "ffn_in", "ffn_out"]
    assert list(view(zoo_model("BertModel")).linear_modules()[0]) == plain
    fused = ["qkv", "attention_output", "ffn_in", "ffn_out"]
    assert list(view(zoo_model("ModernBertModel")).linear_modules()[0]) == fused


def test_unshared_deberta_has_position_projections():
    roles = set(view(zoo_model("DebertaV2Model v2")).linear_modules()[0])
    assert {"position_key", "position_query"} <= roles


def test_token_id_fields_are_those_that_are_set():
    model = zoo_model("BertModel")
    assert view(model).token_id_fields() == ("bos_token_id", "eos_token_id", "pad_token_id")
    model.config.sep_token_id = 13
    model.config.bos_token_id = None
    assert view(model).token_id_fields() == ("eos_token_id", "pad_token_id", "sep_token_id")


def test_roberta_pins_the_ids_up_to_the_padding_id():
    assert view(zoo_model("XLMRobertaModel")).pinned_token_ids == (0, 1)
    assert view(zoo_model("RobertaModel", pad_token_id=3)).pinned_token_ids == (0, 1, 2, 3)


@pytest.mark.parametrize("name", ["BertModel", "DistilBertModel", "ModernBertModel"])
def test_the_other_families_pin_no_token(name):
    assert view(zoo_model(name)).pinned_token_ids == ()


def test_only_modernbert_pins_a_layer():
    assert {n: view(zoo_model(n)).pinned_layers for n in ENCODERS if "v2" not in n} == {
        "BertModel": (),
        "BertModel no pooler": (),
        "XLMRobertaModel": (),
        "XLMRobertaModel no pooler": (),
        "RobertaModel": (),
        "DistilBertModel": (),
        "ModernBertModel": (0,),
        "DebertaV2Model": (),
    }


def test_layer_config_gathers_the_layer_types_of_modernbert():
    encoder = view(zoo_model("ModernBertModel", num_hidden_layers=7))
    assert encoder.layer_config([0, 2, 3, 6]) == {
        "num_hidden_layers": 4,
        "layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"],
    }


@pytest.mark.parametrize(
    ("kept", "every"), [([0, 3, 6], 1), ([0, 1, 3, 4, 6], 2), ([0, 1, 2], 3), ([0, 1, 3, 6], None)]
)
def test_the_old_field_of_modernbert_says_the_same_or_nothing(kept, every):
    model = zoo_model("ModernBertModel", num_hidden_layers=7, global_attn_every_n_layers=3)
    assert view(model).layer_config(kept)["global_attn_every_n_layers"] == every


def test_layer_config_does_not_change_the_model():
    model = zoo_model("ModernBertModel")
    before = model.config.to_json_string()
    view(model).layer_config([0])
    assert model.config.to_json_string() == before


def test_families_list_each_model_type_once():
    types = [model_type for family in families() for model_type in family.model_types]
    assert sorted(types) == [
        "bert",
        "deberta-v2",
        "distilbert",
        "modernbert",
        "roberta",
        "xlm-roberta",
    ]


def test_check_family_knows_a_family_by_its_model_type():
    assert check_family("roberta").name == "xlm_roberta"


def test_an_unsupported_family_names_the_supported_ones_and_the_file_to_write():
    model = T5EncoderModel(
        T5Config(vocab_size=11, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    )
    message = r"model_type 't5'[\s\S]*bert, deberta-v2[\s\S]*architectures/<family>\.py"
    with pytest.raises(UnsupportedArchitectureError, match=message):
        view(model)


def test_something_that_is_no_model():
    with pytest.raises(UnsupportedArchitectureError, match="model_type 'Linear'"):
        view(torch.nn.Linear(2, 2))


def test_a_decoder_is_refused():
    config = BertConfig(
        vocab_size=11, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, is_decoder=True
    )
    with pytest.raises(UnsupportedArchitectureError, match=r"BertModel with is_decoder = true"):
        view(BertModel(config))
