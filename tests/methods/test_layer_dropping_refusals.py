"""What layer_dropping refuses, and that its card and configuration agree."""

import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import tinyglot.methods.layer_dropping as layer_dropping
from tests.architectures.zoo import zoo_model
from tests.tiny_text import TINY_TEXT
from tinyglot.errors import LayerRangeError, MissingInputError, NoEffectError
from tinyglot.methods.contract import Context
from tinyglot.methods.layer_dropping import METHOD, LayerDroppingConfig

README = Path(layer_dropping.__file__).with_name("README.md")


def _plan(model, tokenizer=None, context=None, **options):
    return METHOD.plan(model, tokenizer, LayerDroppingConfig(**options), context or Context())


# --- configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"layers": [0, 2]}, {"num_layers": 3}, {"strategy": "last", "num_layers": 1}]
)
def test_a_configuration_survives_json(options):
    config = LayerDroppingConfig(**options)
    assert LayerDroppingConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "strategy stride needs num_layers"),
        ({"strategy": "explicit"}, "strategy explicit needs layers"),
        ({"strategy": "last", "layers": [0]}, "either layers or strategy last"),
        ({"layers": [0], "num_layers": 1}, "either layers or num_layers"),
        ({"num_layers": 0}, "greater than or equal to 1"),
        ({"num_layer": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_configuration(options, message):
    with pytest.raises(ValidationError, match=message):
        LayerDroppingConfig(**options)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"num_layers": 4}, {"layers": [0, 1, 2, 3]}])
def test_dropping_nothing(options):
    with pytest.raises(NoEffectError, match=r"4 of 4 layers[\s\S]*allow_no_effect: true"):
        _plan(zoo_model("BertModel"), **options)


def test_dropping_nothing_may_be_allowed():
    plan = _plan(zoo_model("BertModel"), num_layers=4, allow_no_effect=True)
    assert plan.kept_layers == (0, 1, 2, 3)
    assert plan.summary()[1] == "drop none"


def test_more_layers_than_there_are():
    with pytest.raises(LayerRangeError, match=r"num_layers 5[\s\S]*less than 4"):
        _plan(zoo_model("BertModel"), num_layers=5)


def test_a_list_outside_the_model_is_refused_before_anything_is_done():
    with pytest.raises(LayerRangeError, match=r"layer 7 is not in the model[\s\S]*\[0, 4\)"):
        _plan(zoo_model("BertModel"), layers=[0, 7])


def test_a_list_without_layer_0_of_modernbert():
    with pytest.raises(LayerRangeError, match=r"layer 0 is left out"):
        _plan(zoo_model("ModernBertModel"), layers=[1, 2])


def test_block_influence_without_text():
    with pytest.raises(MissingInputError, match=r"no text[\s\S]*--text PATH"):
        _plan(zoo_model("BertModel"), strategy="block_influence", num_layers=2)


def test_block_influence_with_a_language_without_text(tmp_path):
    (tmp_path / "sw.txt").write_text("\n".join(TINY_TEXT[:20]) + "\n", encoding="utf-8")
    text = {"swh-Latn": (tmp_path / "sw.txt",)}
    context = Context(languages=("swh-Latn", "mlt-Latn"), text=text)
    with pytest.raises(MissingInputError, match=r"no text for mlt-Latn"):
        _plan(zoo_model("BertModel"), None, context, strategy="block_influence", num_layers=2)


def test_a_plan_of_another_model():
    plan = _plan(zoo_model("BertModel", num_hidden_layers=3), num_layers=2)
    with pytest.raises(LayerRangeError, match=r"a model of 4 layers[\s\S]*the 3 layers"):
        METHOD.apply(zoo_model("BertModel"), None, plan, Context())


# --- method card -------------------------------------------------------------------------------


def test_the_card_explains_every_option_as_the_configuration_does():
    card = README.read_text(encoding="utf-8")
    table = card.partition("## Options")[2].partition("## What")[0].strip().splitlines()[2:]
    assert table == [
        f"| `{name}` | `{json.dumps(field.default)}` | {field.description} |"
        for name, field in LayerDroppingConfig.model_fields.items()
        if name != "method"
    ]


def test_the_recipe_of_the_card_is_valid():
    card = README.read_text(encoding="utf-8")
    recipe = yaml.safe_load(re.search(r"```yaml\n(.*?)```", card, re.DOTALL)[1])
    configs = [LayerDroppingConfig(**step) for step in recipe["steps"]]
    assert [(c.strategy, c.num_layers) for c in configs] == [("block_influence", 8)]


def test_the_examples_of_the_card_print_what_it_says(capsys):
    card = README.read_text(encoding="utf-8")
    code, printed = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", card, re.DOTALL).groups()
    exec(compile(code, str(README), "exec"), {})  # noqa: S102  (our own file)
    assert capsys.readouterr().out == printed
