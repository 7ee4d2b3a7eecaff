"""Adapters behind the feed-forward blocks: what they compute, how many parameters they have."""

import pytest
import torch
from transformers import AutoModel, BertConfig, XLMRobertaConfig

from tests.parity import assert_parity
from tests.slim import INPUTS, outputs
from tests.tiny import FAMILIES, TINY_TEXT, tiny_model, tiny_pair
from tinyglot.architectures import nearest_stock_shape, tensor_axes, view
from tinyglot.architectures.slim import PATHS, Adapter
from tinyglot.architectures.stock import Shape
from tinyglot.errors import UnsupportedArchitectureError
from tinyglot.evaluation.predict import main_output
from tinyglot.export import export_onnx, read_record
from tinyglot.methods.contract import Context
from tinyglot.methods.ffn_pruning import METHOD as FFN_PRUNING
from tinyglot.methods.ffn_pruning import FfnPruningConfig
from tinyglot.methods.width_reduction import METHOD as WIDTH_REDUCTION
from tinyglot.methods.width_reduction import WidthReductionConfig
from tinyglot.surgery import gather_vocabulary, keep_layers, verify_reload
from tinyglot.surgery.adapters import adapter_size, add_adapters

# layers, hidden size, heads: the teacher's, and the published students' (six layers)
PUBLISHED = {
    (12, 768, 12): 894_528,
    (6, 564, 12): 240_474,
    (6, 456, 12): 156_120,
    (6, 312, 12): 73_122,
}


def adapters_of(model):
    return [module for module in model.modules() if isinstance(module, Adapter)]


def large(model, seed=0):
    """Give adapters weights so large that what they add is no rounding."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in (p for adapter in adapters_of(model) for p in adapter.parameters()):
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
    return model


@pytest.mark.parametrize(("shape", "expected"), PUBLISHED.items())
@pytest.mark.parametrize("config_class", [BertConfig, XLMRobertaConfig])
def test_parameters_are_as_many_as_published(config_class, shape, expected):
    layers, hidden, heads = shape
    config = config_class(
        vocab_size=9, num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads
    )
    with torch.device("meta"):
        model = AutoModel.from_config(config)
        adapted = add_adapters(model, adapter_size(hidden, 16), seed=0)
    before, after = (sum(p.numel() for p in each.parameters()) for each in (model, adapted))
    assert after - before == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_layer_is_what_pfeiffers_adapter_computes(family):
    """Written as in the library: its input is normed with the residual, which is added again."""
    model = tiny_model(family)
    adapted = large(add_adapters(model, 3, seed=0))
    seen = {}
    last = view(adapted).layers[-1]
    block = view(adapted).linear_modules()[-1]["ffn_out"]
    norm = last.get_submodule(PATHS[model.config.model_type]["adapted"])
    block.register_forward_hook(lambda _, __, output: seen.update(block=output))
    norm.register_forward_pre_hook(lambda _, inputs: seen.update(total=inputs[0]))
    last.register_forward_hook(lambda _, __, output: seen.update(output=output))
    outputs(adapted)
    found = seen["output"][0] if isinstance(seen["output"], tuple) else seen["output"]
    adapter = adapters_of(adapted)[-1]

    def bottleneck(x):
        down = x @ adapter.down.weight.T + adapter.down.bias
        return down.clamp(min=0) @ adapter.up.weight.T + adapter.up.bias

    with torch.no_grad():
        if norm is last:  # ends without a norm: what the layer gave without its adapter
            plain = _without(last, adapted)
            expected = plain + bottleneck(plain)
        else:
            residual = seen["total"] - seen["block"]

            def normed(x):
                return torch.nn.functional.layer_norm(
                    x, x.shape[-1:], norm.weight, norm.bias, norm.eps
                )

            hidden = normed(seen["block"] + residual)
            expected = normed(bottleneck(hidden) + seen["block"] + residual)
    assert_parity(found, expected, atol=1e-5)
    assert (outputs(adapted) - outputs(model)).abs().max() > 0.01


def _without(layer, adapted):
    """What a layer of ModernBERT gives without its adapter, from the whole model without it."""
    found = {}
    adapter = layer.adapter
    handle = layer.register_forward_hook(lambda _, __, output: found.update(output=output))
    layer.adapter = _Nothing()
    outputs(adapted)
    handle.remove()
    layer.adapter = adapter
    return found["output"]


class _Nothing(torch.nn.Module):
    def forward(self, hidden_states):
        return torch.zeros_like(hidden_states)


def test_new_adapters_come_from_the_seed_and_leave_the_model_alone():
    model = tiny_model("bert")
    before, state = outputs(model), torch.get_rng_state()
    first, same, other = (adapters_of(add_adapters(model, 4, seed))[1] for seed in (1, 1, 2))
    assert torch.equal(first.down.weight, same.down.weight)
    assert not torch.equal(first.down.weight, other.down.weight)
    assert first.up.bias.abs().max() == 0
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(outputs(model), before)
    assert not hasattr(model.config, "slim")
    assert adapters_of(model) == []


def test_adapters_of_that_size_are_kept_and_others_refused():
    adapted = add_adapters(tiny_model("bert"), 4, seed=0)
    again = add_adapters(adapted, 4, seed=9)
    assert torch.equal(outputs(again), outputs(adapted))
    with pytest.raises(UnsupportedArchitectureError, match=r"adapters of 4 channels[\s\S]*of 2 c"):
        add_adapters(adapted, 2, seed=0)


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_hidden_states_are_those_behind_the_adapters(family):
    adapted = large(add_adapters(tiny_model(family, "token_classification"), 3, seed=0))
    with torch.no_grad():
        states = adapted(**INPUTS, output_hidden_states=True).hidden_states
        last = view(adapted).encoder(**INPUTS).last_hidden_state
    assert len(states) == len(view(adapted).layers) + 1
    assert torch.equal(states[-1], last)
    assert torch.equal(main_output(adapted, INPUTS, hidden_layer=1), states[1])
    for adapter in adapters_of(adapted):
        adapter.up.weight.data.zero_()
    assert not torch.equal(main_output(adapted, INPUTS, hidden_layer=1), states[1])


# --- what else is done to such a model ---------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_layers_and_tokens_may_go(family):
    model = tiny_model(family)
    adapted = large(add_adapters(model, 4, seed=0))
    shorter = keep_layers(adapted, [0])
    assert view(shorter).adapter_sizes == (4,)
    assert shorter.config.slim["adapters"] == [4]
    verify_reload(shorter)
    fewer = gather_vocabulary(adapted, torch.arange(100))
    assert torch.equal(outputs(fewer), outputs(adapted))
    assert INPUTS["input_ids"].max() < 100
    verify_reload(fewer)


def test_no_cut_and_no_stock_shape_of_a_model_with_adapters():
    adapted = add_adapters(tiny_model("distilbert"), 4, seed=0)
    message = r"it has adapters[\s\S]*SlimDistilBertModel with adapters of 4 ch[\s\S]*cut the model"
    with pytest.raises(UnsupportedArchitectureError, match=message):
        tensor_axes(view(adapted))
    with pytest.raises(UnsupportedArchitectureError, match=message):
        nearest_stock_shape(adapted, Shape.of(adapted))


@pytest.mark.parametrize(
    ("method", "config"),
    [
        (FFN_PRUNING, FfnPruningConfig(pruning_ratio=0.5, scorer="magnitude")),
        (WIDTH_REDUCTION, WidthReductionConfig(hidden_size=16, basis="truncation")),
        (WIDTH_REDUCTION, WidthReductionConfig(hidden_size=16, basis="importance", heads="whole")),
    ],
)
def test_a_model_with_adapters_is_not_cut(method, config):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    adapted = add_adapters(model, 4, seed=0)
    with pytest.raises(UnsupportedArchitectureError, match=r"has adapters[\s\S]*cut the model"):
        method.plan(adapted, tokenizer, config, Context())


def test_a_model_with_adapters_is_exported_as_it_computes(tmp_path):
    model, tokenizer = tiny_pair("distilbert", "wordpiece", "token_classification")
    adapted = add_adapters(model, 4, seed=0)
    export_onnx(adapted, tokenizer, tmp_path / "onnx", texts={"und-Zyyy": TINY_TEXT[::20]})
    record = read_record(tmp_path / "onnx")
    assert record.architecture == "SlimDistilBertForTokenClassification"
    assert 0 < record.max_difference <= 1e-5
