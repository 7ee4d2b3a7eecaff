"""The recipes `extreme` and `extreme-published`, as they stand, by the command, on a tiny model."""

import json

import numpy as np
import onnxruntime
import pytest
import yaml
from transformers import AutoModel, AutoTokenizer

from tests.cli.console import run
from tests.recipes.extreme_jobs import HIDDEN, shortened, write_inputs
from tinyglot.recipes import builtin_recipes, read_recipe

NAMES = ("extreme", "extreme-published")
STEPS = 2


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module", params=NAMES)
def finished(request, inputs, tmp_path_factory):
    """The name of a recipe, its run directory, and what the command printed."""
    directory = tmp_path_factory.mktemp(request.param)
    path = directory / f"{request.param}.yaml"
    path.write_text(yaml.safe_dump(shortened(request.param), sort_keys=False), encoding="utf-8")
    ended = run(
        "run", path, "--model", inputs / "model", "--language", "sw",
        "--text", inputs / "sw.txt", "--data", f"topic={inputs / 'topic'}",
        "--data", f"ner={inputs / 'ner'}", "--steps", STEPS, "--seed", 3,
        "--out", directory / "run", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return request.param, directory / "run", json.loads(ended.out), ended.err


def test_both_are_there_and_name_the_published_steps():
    assert set(NAMES) <= set(builtin_recipes())
    assert [step.method for step in read_recipe("extreme-published").steps] == [
        "adaptation",
        "layer_dropping",
        "distillation",
        "ffn_pruning",
        "width_reduction",
        "distillation",
        "vocabulary_trimming",
    ]


def test_the_steps_are_those_of_the_recipe_with_the_values_of_the_command(finished):
    name, directory, _, _ = finished
    kept = yaml.safe_load((directory / "recipe.yaml").read_text(encoding="utf-8"))
    expected = read_recipe(name).steps
    assert [step["method"] for step in kept["steps"]] == [step.method for step in expected]
    on_text = [s for s in kept["steps"] if s["method"] in ("adaptation", "distillation")]
    assert [step["max_steps"] for step in on_text] == [STEPS] * 3
    assert (kept["seed"], kept["languages"]) == (3, ["swh-Latn"])
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(directory.glob("steps/*/record.json"))
    ]
    assert [r["facts"]["num_steps"] for r in records if "num_steps" in r["facts"]] == [STEPS] * 3


def test_every_stage_has_its_size_and_the_ends_their_scores(finished):
    name, _, stages, _ = finished
    assert stages[0]["name"] == "source"
    assert stages[-1]["name"] == "export"
    assert len(stages) == 9
    scored = [stage for stage in stages if "downstream" in stage]
    assert [stage["name"] for stage in scored] == ["source", stages[-2]["name"]]
    for stage in scored:
        found = {(one["task"], one["metric"]) for one in stage["downstream"]["scores"]}
        assert {("topic", "accuracy"), ("ner", "f1"), ("ner", "f1_published")} <= found
        assert stage["downstream"]["pseudo_perplexity"]["swh-Latn"]["value"] > 1
    assert scored[-1]["num_parameters"] < 0.4 * scored[0]["num_parameters"]
    assert name in NAMES


def test_what_has_no_data_is_said(finished):
    _, directory, _, told = finished
    for task in ("pos", "sentiment"):
        assert f"downstream: left out: {task}: no data were given (--data {task}=PATH)" in told
    assert "Left out: pos: no data were given" in (directory / "final" / "README.md").read_text()


def test_the_final_model_is_plain_and_runs_in_onnxruntime(finished):
    name, directory, _, _ = finished
    model = AutoModel.from_pretrained(directory / "final").eval()
    tokenizer = AutoTokenizer.from_pretrained(directory / "final")
    config = model.config
    assert (config.num_hidden_layers, config.intermediate_size) == (6, 32)
    heads = {"extreme": 5, "extreme-published": 12}[name]
    width = {"extreme": 40, "extreme-published": 36}[name]
    assert (config.num_attention_heads, config.hidden_size) == (heads, width)
    assert width < HIDDEN
    session = onnxruntime.InferenceSession(directory / "export" / "model.onnx")
    encoded = tokenizer("Habari ya asubuhi", return_tensors="np")
    names = {one.name for one in session.get_inputs()}
    fed = {key: value.astype(np.int64) for key, value in encoded.items() if key in names}
    (logits, *_) = session.run(None, fed)
    assert logits.shape[-1] == config.vocab_size
    assert np.isfinite(logits).all()
