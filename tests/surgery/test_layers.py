import json

import pytest
import torch
from transformers import AutoModel

from tests.architectures.zoo import ENCODERS, NUM_LAYERS, ZOO, run, sample_batch, zoo_model
from tests.parity import assert_parity
from tinyglot.architectures import view
from tinyglot.architectures.modernbert import ModernBertView
from tinyglot.errors import LayerRangeError, ParityError
from tinyglot.surgery import keep_layers, verify_reload

IDS, MASK = sample_batch(torch.arange(20, 90), padding_id=3)
KEPT = [[0], [0, 2], [0, 3], [0, 1, 3], [0, 1, 2, 3]]
WITHOUT_FIRST = [[1], [3], [1, 2], [2, 3]]
CASES = [(name, kept) for name in ENCODERS for kept in KEPT] + [
    (name, kept)
    for name in ENCODERS
    if name not in ("ModernBertModel", "DebertaV2Model v2")
    for kept in WITHOUT_FIRST
]


class _Skip(torch.nn.Module):
    """A layer that does nothing, in the way its family's encoder expects."""

    def __init__(self, layer: torch.nn.Module, *, gives_tuple: bool) -> None:
        super().__init__()
        self.attention_type = getattr(layer, "attention_type", None)
        self.gives_tuple = gives_tuple

    def forward(self, hidden_states, *_, **__):
        return (hidden_states, None) if self.gives_tuple else hidden_states


def _skipping(name: str, kept: list[int]):
    """Run the uncut model with the other layers switched off: what keep_layers must equal."""
    model = zoo_model(name)
    encoder = view(model)
    for index, layer in enumerate(encoder.layers):
        if index not in kept:
            encoder.layers[index] = _Skip(layer, gives_tuple=name.startswith("DebertaV2"))
    with torch.no_grad():
        return model(input_ids=IDS, attention_mask=MASK).last_hidden_state


def _last_hidden_state(model) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS, attention_mask=MASK).last_hidden_state


@pytest.mark.parametrize(("name", "kept"), CASES)
def test_the_kept_layers_run_one_after_the_other(name, kept):
    new = keep_layers(zoo_model(name), kept)
    assert_parity(_last_hidden_state(new), _skipping(name, kept))


@pytest.mark.parametrize(("name", "kept"), CASES)
def test_a_saved_and_loaded_model_is_the_same(name, kept, tmp_path):
    new = keep_layers(zoo_model(name), kept)
    new.save_pretrained(tmp_path)
    attention = new.config._attn_implementation
    loaded = AutoModel.from_pretrained(tmp_path, attn_implementation=attention)
    assert_parity(_last_hidden_state(loaded.eval()), _last_hidden_state(new))


@pytest.mark.parametrize("name", ZOO)
def test_a_head_stays_on_top(name):
    model = zoo_model(name)
    new = keep_layers(model, [0, 2])
    assert len(view(new).layers) == new.config.num_hidden_layers == 2
    inside = {id(tensor) for tensor in view(model).layers.parameters()}
    new_tensors = view(new).named_tensors()
    for tensor_name, tensor in view(model).named_tensors().items():
        if id(tensor) not in inside:
            assert torch.equal(new_tensors[tensor_name], tensor)
    verify_reload(new)


@pytest.mark.parametrize("name", ENCODERS)
def test_weights_move_with_their_layer(name):
    model = zoo_model(name)
    new = keep_layers(model, [0, 3])
    for new_index, old_index in enumerate([0, 3]):
        old = dict(view(model).layers[old_index].named_parameters())
        for parameter_name, parameter in view(new).layers[new_index].named_parameters():
            assert torch.equal(parameter, old[parameter_name])
            assert parameter.data_ptr() != old[parameter_name].data_ptr()


@pytest.mark.parametrize("name", ENCODERS)
def test_the_given_model_is_not_changed(name):
    model, untouched = zoo_model(name), zoo_model(name)
    keep_layers(model, [0, 3])
    assert model.config.to_json_string() == untouched.config.to_json_string()
    assert_parity(_last_hidden_state(model), _last_hidden_state(untouched))
    indices = [layer.layer_idx for layer in view(model).layers if hasattr(layer, "layer_idx")]
    assert indices in ([], list(range(NUM_LAYERS)))


def test_dropped_layers_are_not_copied(monkeypatch):
    model = zoo_model("BertModel")
    dropped = {id(p) for i in (1, 2) for p in model.encoder.layer[i].parameters()}
    copied = []
    deepcopy = torch.nn.Parameter.__deepcopy__

    def record(parameter, memo):
        copied.append(id(parameter))
        return deepcopy(parameter, memo)

    monkeypatch.setattr(torch.nn.Parameter, "__deepcopy__", record)
    keep_layers(model, [0, 3])
    assert id(model.encoder.layer[3].output.dense.weight) in copied
    assert not dropped & set(copied)


@pytest.mark.parametrize("name", ENCODERS)
def test_hidden_states_are_still_counted_right_if_they_were_recorded_before(name):
    model = zoo_model(name)
    run(model, IDS, MASK)
    states = run(keep_layers(model, [0, 2]), IDS, MASK)
    assert [key for key in states if key.startswith("hidden")] == [f"hidden {i}" for i in range(3)]


def test_layer_indices_are_renumbered():
    bert = keep_layers(zoo_model("BertModel"), [1, 3])
    assert [layer.attention.self.layer_idx for layer in bert.encoder.layer] == [0, 1]
    modern = keep_layers(zoo_model("ModernBertModel"), [0, 3])
    assert [(layer.layer_idx, layer.attn.layer_idx) for layer in modern.layers] == [(0, 0), (1, 1)]


def test_distilbert_stores_its_number_of_layers_in_three_places():
    new = keep_layers(zoo_model("DistilBertModel"), [1, 2, 3])
    assert (new.config.n_layers, new.config.num_hidden_layers, new.transformer.n_layers) == (
        3,
        3,
        3,
    )


def test_debertas_convolution_follows_the_first_layer_that_is_left(tmp_path):
    model = zoo_model("DebertaV2Model v2")
    new = keep_layers(model, [2, 3])
    encoder = model.encoder
    with torch.no_grad():
        embedded = model.embeddings(IDS, mask=MASK)
        masks = {"attention_mask": encoder.get_attention_mask(MASK)}
        relative = {
            "relative_pos": encoder.get_rel_pos(embedded),
            "rel_embeddings": encoder.get_rel_embedding(),
        }
        first, _ = encoder.layer[2](embedded, **masks, **relative)
        first = encoder.conv(embedded, first, MASK)
        expected, _ = encoder.layer[3](first, **masks, **relative)
    assert_parity(_last_hidden_state(new), expected)
    new.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path, attn_implementation="eager")
    assert_parity(_last_hidden_state(loaded.eval()), expected)


# --- ModernBERT --------------------------------------------------------------------------------


def test_global_and_local_attention_move_with_the_layer():
    new = keep_layers(zoo_model("ModernBertModel"), [0, 1, 3])
    types = ["full_attention", "sliding_attention", "full_attention"]
    assert new.config.layer_types == types
    assert [layer.attention_type for layer in new.layers] == types


@pytest.mark.parametrize("kept", [[1], [1, 2, 3], [3]])
def test_modernbert_cannot_do_without_layer_0(kept):
    message = r"layer 0 is left out[\s\S]*modernbert cannot do without layer 0"
    with pytest.raises(LayerRangeError, match=message):
        keep_layers(zoo_model("ModernBertModel"), kept)


def test_without_that_rule_a_checkpoint_would_load_as_another_model(monkeypatch):
    monkeypatch.setattr(ModernBertView, "pinned_layers", ())
    broken = keep_layers(zoo_model("ModernBertModel"), [1, 2])
    with pytest.raises(ParityError, match=r"hidden states that differ by up to 0\.\d+"):
        verify_reload(broken)


def test_layer_types_left_as_they_were_would_load_as_another_model():
    broken = keep_layers(zoo_model("ModernBertModel"), [0, 3])
    broken.config.layer_types = ["full_attention", "sliding_attention"]
    with pytest.raises(ParityError, match="hidden states that differ"):
        verify_reload(broken)


def test_a_pattern_that_the_old_field_cannot_say_is_null_in_the_file(tmp_path):
    model = zoo_model("ModernBertModel", num_hidden_layers=7, global_attn_every_n_layers=3)
    new = keep_layers(model, [0, 1, 3, 6])
    verify_reload(new)
    new.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert saved["global_attn_every_n_layers"] is None


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        ([], r"\[\]: no layer"),
        ([4], r"layer 4 is not in the model"),
        ([-1, 2], r"layer -1 is not in the model"),
        ([1, 1], r"layer 1 after layer 1"),
        ([2, 1], r"layer 1 after layer 2"),
    ],
)
def test_an_impossible_list_of_layers(kept, problem):
    with pytest.raises(LayerRangeError, match=problem + r"[\s\S]*increasing indices in \[0, 4\)"):
        keep_layers(zoo_model("BertModel"), kept)


def test_all_mistakes_are_named_at_once():
    message = r"3 mistake[\s\S]*layer 9 is not in the model; layer 2 after layer 9; layer 0 is left"
    with pytest.raises(LayerRangeError, match=message):
        keep_layers(zoo_model("ModernBertModel"), [9, 2])
