"""Every command takes a checkpoint whose layers differ."""

import json
import shutil

import pytest
import torch

from tests.cli.console import run
from tests.recipes.jobs import STEPS, recipe, write_inputs
from tests.reports.test_model_card import code_block
from tests.slim import outputs, slim_checkpoint
from tinyglot import load_checkpoint
from tinyglot.architectures import view
from tinyglot.architectures.slim import MODELING_FILE
from tinyglot.export import measure_models
from tinyglot.recipes import parse_recipe, run_recipe


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Text and data, and a slim encoder instead of the usual one."""
    directory = write_inputs(tmp_path_factory.mktemp("slim"))
    shutil.rmtree(directory / "model")
    slim_checkpoint(directory / "model", "xlm_roberta", "unigram")
    return directory


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """Trimmed, fine-tuned, a layer dropped, exported."""
    train = {**STEPS[1], "num_epochs": 1}
    content = recipe(inputs, steps=(STEPS[0], train, STEPS[2]), export={"format": "onnx"})
    return run_recipe(parse_recipe(content), tmp_path_factory.mktemp("run") / "run").directory


def test_a_whole_recipe_keeps_the_shape_of_the_layers(inputs, finished):
    before, after = (
        load_checkpoint(str(path)).model for path in (inputs / "model", finished / "final")
    )
    assert type(after).__name__ == "SlimXLMRobertaForTokenClassification"
    (layer,) = json.loads((finished / "steps" / "03-layer_dropping" / "plan.json").read_text())[
        "kept_layers"
    ]
    assert view(after).num_heads == (view(before).num_heads[layer],)
    assert view(after).ffn_sizes == (view(before).ffn_sizes[layer],)
    assert view(after).num_token_ids < view(before).num_token_ids
    assert json.loads((finished / "final" / "config.json").read_text())["slim"] == {
        "heads": list(view(after).num_heads),
        "ffn": list(view(after).ffn_sizes),
    }


def test_the_code_on_its_card_loads_it(finished, monkeypatch, tmp_path):
    card = (finished / "final" / "README.md").read_text()
    assert MODELING_FILE in card
    assert "An ordinary transformers checkpoint" not in card
    monkeypatch.chdir(finished / "final")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path))
    names = {}
    exec(code_block(card), names)  # noqa: S102  (what a user would copy)
    assert type(names["model"]).__module__.startswith("transformers_modules.")
    expected = outputs(load_checkpoint(str(finished / "final")).model)
    assert torch.equal(outputs(names["model"]), expected)


def test_its_export_computes_the_same(finished):
    record = json.loads((finished / "export" / "export.json").read_text())
    assert record["architecture"] == "SlimXLMRobertaForTokenClassification"
    assert record["max_difference_float"] <= 1e-5
    assert not (finished / "export" / MODELING_FILE).exists()
    assert "auto_map" not in json.loads((finished / "export" / "config.json").read_text())


def test_commands_take_it(inputs, finished):
    final = finished / "final"
    scores = run(
        "evaluate", final, "--task", "ner", "--data", inputs / "data", "--language", "sw", "--json"
    )
    assert json.loads(scores.out), scores.err
    names = [str(final), str(finished / "export")]
    rows = measure_models(names, (1,), (8,), rounds=3, memory=False)
    assert [row.model for row in rows] == names


def test_compress_takes_it(inputs, tmp_path):
    ended = run(
        "compress", inputs / "model", "--language", "sw", "--text", inputs / "sw.txt",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    small = load_checkpoint(str(tmp_path / "run" / "final")).model
    assert view(small).num_heads == (1, 2)
    assert (tmp_path / "run" / "final" / MODELING_FILE).is_file()
