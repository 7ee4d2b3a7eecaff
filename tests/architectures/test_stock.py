"""What an ordinary configuration can express: tried by building it, priced by counting."""

import json
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertModel, DebertaV2Config, DebertaV2Model

from tests.cli.console import run
from tests.generated import STOCK_MEANINGS
from tests.slim import outputs, slim_checkpoint, uneven
from tests.tiny import FAMILIES, tiny_model
from tinyglot.architectures import (
    Shape,
    families,
    nearest_stock_shape,
    stock_shapes,
    view,
)
from tinyglot.errors import StructureRangeError, UnsupportedArchitectureError
from tinyglot.surgery import (
    Structures,
    count_parameters,
    gather_vocabulary,
    is_stock_shape,
    keep_layers,
    keep_structures,
)

EVERYWHERE = ["layers", "ffn_size", "hidden_size", "vocabulary_size"]


@pytest.mark.parametrize("family", [family.name for family in families()])
def test_what_each_family_expresses_with_the_installed_transformers(family):
    """A change of transformers that can do more shows here: then more can be stock."""
    bottleneck = ["embedding_size"] if family == "deberta_v2" else []
    assert sorted(stock_shapes(family).names()) == sorted(EVERYWHERE + bottleneck)


def test_shapes_of_no_family():
    with pytest.raises(UnsupportedArchitectureError, match=r"family 'gpt'[\s\S]*one of bert, xlm"):
        stock_shapes("gpt")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_slim_request_is_priced_as_its_counts_say(family):
    model = tiny_model(family, "masked_lm")
    cut = keep_structures(model, uneven(model))
    projection = nearest_stock_shape(model, Shape.of(cut))
    assert not projection.is_stock
    assert projection.num_parameters_requested == count_parameters(cut).num_parameters
    even = keep_structures(model, even_cut(model, ffn=max(Shape.of(cut).ffn)))
    assert is_stock_shape(view(even))
    assert projection.nearest == Shape.of(even)
    assert projection.num_parameters == count_parameters(even).num_parameters
    assert projection.num_extra_parameters > 0


def even_cut(model, ffn):
    all_ = Structures.of(model)
    return all_.keep(neurons=tuple(tuple(range(ffn)) for _ in all_.neurons))


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=6, deadline=None)
@given(heads=st.integers(1, 4), ffn=st.integers(1, 48), rows=st.integers(60, 400))
def test_counts_of_stock_requests_are_those_of_the_cut_model(family, heads, ffn, rows):
    model = tiny_model(family, "token_classification")
    all_ = Structures.of(model)
    cut = keep_structures(
        model,
        Structures(
            tuple(tuple(range(heads)) for _ in all_.heads),
            tuple(tuple(range(ffn)) for _ in all_.neurons),
            tuple(range(heads * view(model).head_dim)),
        ),
    )
    cut = gather_vocabulary(keep_layers(cut, [0]), torch.arange(rows))
    projection = nearest_stock_shape(model, Shape.of(cut))
    assert projection.is_stock
    assert projection.lines() == [
        "stock: an ordinary configuration has this shape; plain AutoModel loads it"
    ]
    assert projection.num_parameters == count_parameters(cut).num_parameters
    assert projection.num_extra_parameters == 0


def test_lines_say_what_is_not_stock_and_what_it_costs():
    model = tiny_model("bert")
    request = Shape.of(model).change(heads=(1, 3), ffn=(20, 30))
    projection = nearest_stock_shape(model, request)
    # heads: 4 matrices of 32 x 8 and 3 biases of 8 for each; neurons: 2 x 32 weights, 1 bias
    extra = (3 + 1) * (4 * 32 * 8 + 3 * 8) + 10 * (2 * 32 + 1)
    assert projection.num_extra_parameters == extra
    assert projection.lines()[:2] == [
        "not stock: 1 to 3 heads by layer; an ordinary model has 4 heads in every layer",
        "not stock: 20 to 30 neurons by layer; an ordinary model has 30 neurons in every layer",
    ]
    assert re.match(
        rf"nearest stock shape: {extra:,} parameters more \(\+\d", projection.lines()[2]
    )


def test_a_width_that_the_heads_do_not_divide_is_rounded_up():
    model = tiny_model("bert")
    request = Shape.of(model).change(heads=(2, 2), hidden_size=20)
    nearest = nearest_stock_shape(model, request).nearest
    assert (nearest.heads, nearest.hidden_size, nearest.embedding_size) == ((3, 3), 24, 24)


def test_a_bottleneck_stays_as_it_is():
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 6, "vocab_size": 11}
    model = DebertaV2Model(DebertaV2Config(**sizes, num_hidden_layers=2, embedding_size=4))
    request = Shape.of(model).change(heads=(1, 1), hidden_size=4, vocabulary_size=5)
    projection = nearest_stock_shape(model, request)
    assert projection.is_stock
    fields = {**sizes, "hidden_size": 4, "num_attention_heads": 1, "vocab_size": 5}
    narrow = DebertaV2Config(**fields, num_hidden_layers=2, embedding_size=4)
    # at equal sizes transformers leaves out the projection, of which the request keeps 4 x 4
    assert projection.num_parameters == DebertaV2Model(narrow).num_parameters() + 4 * 4


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"heads": (5, 1)}, r"got: +5 heads in a layer\n[\s\S]*1 to 2 layers, 4 heads"),
        ({"heads": (1, 0)}, r"got: +0 heads in a layer\n"),
        ({"ffn": (49, 50)}, r"got: +49 neurons in a layer \(and 1 more\)"),
        ({"heads": (4, 4, 4)}, r"got: +3 layers \(and 1 more\)"),
        ({"ffn": (48,)}, r"got: +neurons of 1 layers and heads of 2"),
        ({"hidden_size": 64}, r"got: +64 hidden channels"),
        ({"vocabulary_size": 401}, r"got: +401 token ids"),
    ],
)
def test_more_than_the_model_has_is_refused(sizes, message):
    model = tiny_model("bert")
    with pytest.raises(StructureRangeError, match=message):
        nearest_stock_shape(model, Shape.of(model).change(**sizes))


def test_a_projection_changes_nothing_of_the_model():
    model = BertModel(BertConfig(**{**vars(tiny_model("bert").config), "num_hidden_layers": 2}))
    before = outputs(model)
    nearest_stock_shape(model, Shape.of(model).change(ffn=(1, 2)))
    assert torch.equal(outputs(model), before)


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "concepts" / "stock.md").read_text()
    cut = slim_checkpoint(tmp_path / "runs" / "slim" / "final")
    monkeypatch.chdir(tmp_path)
    exec(page.split("```python\n")[1].split("```")[0], {})  # noqa: S102  (what a user would copy)
    assert "not stock: 1 to 2 heads by layer" in capsys.readouterr().out
    stock = BertModel.from_pretrained(tmp_path / "runs" / "stock", add_pooling_layer=False)
    assert (outputs(stock) - outputs(cut)).abs().max() < 1e-5


def test_the_list_of_architectures_says_what_can_be_stock():
    rows = {row["name"]: row for row in json.loads(run("ls", "architectures", "--json").out)}
    assert rows["deberta_v2"]["stock_shapes"] == vars(stock_shapes("deberta_v2"))
    assert run("ls", "architectures").out.splitlines()[0] == (
        "bert  bert  bert-base-multilingual-cased, intfloat/multilingual-e5-small  "
        "stock: layers, ffn_size, hidden_size, vocabulary_size"
    )


def test_the_page_names_every_shape():
    assert list(STOCK_MEANINGS) == list(vars(stock_shapes("bert")))
