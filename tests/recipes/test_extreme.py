"""The recipes `extreme` and `extreme-published`, as they stand, by the command, on a tiny model."""

import json

import numpy as np
import onnxruntime
import pytest
import yaml
from transformers import AutoModel, AutoTokenizer

from tests.cli.console import run
from tests.recipes.extreme_jobs import HIDDEN, LAYERS, shortened, write_inputs
from tinyglot.recipes import builtin_recipes, read_recipe

NAMES = ("extreme", "extreme-published")
STEPS = 2
TASKS = {"extreme": "topic", "extreme-published": "ner"}
SCORES = {
    "extreme": {("topic", "accuracy"), ("topic", "f1_macro"), ("topic", "f1_weighted")},
    "extreme-published": {("ner", "f1"), ("ner", "f1_published")},
}
EXPORTED = "extreme"  # an export takes longer than all steps; both are of one class


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module", params=NAMES)
def finished(request, inputs, tmp_path_factory):
    """The name of a recipe, its run directory, and what the command printed."""
    name, task = request.param, TASKS[request.param]
    directory = tmp_path_factory.mktemp(name)
    path, content = directory / f"{name}.yaml", shortened(name)
    assert content["export"] == {"format": "onnx"}
    if name != EXPORTED:
        del content["export"]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    ended = run(
        "run", path, "--model", inputs / "model", "--language", "sw",
        "--text", inputs / "sw.txt", "--data", f"{task}={inputs / task}",
        "--steps", STEPS, "--seed", 3, "--out", directory / "run", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return name, directory / "run", json.loads(ended.out), ended.err


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


def test_the_published_details_are_kept():
    adapt, depth, first, neurons, width, second, tokens = read_recipe("extreme-published").steps
    assert (adapt.learning_rate, adapt.batch_size, adapt.max_length) == (1e-4, 32, 512)
    assert (depth.strategy, depth.num_layers) == ("stride", 6)
    for step, teacher in ((first, "step:adaptation"), (second, "step:ffn_pruning")):
        parts = {part.objective: part.weight for part in step.objectives}
        assert parts == {"masked_lm": 0.5, "logit_mse": 0.5}
        assert (step.teacher, step.positions, step.sequences) == (teacher, "all", "lines")
        assert (step.learning_rate, step.batch_size, step.max_length) == (5e-5, 8, 512)
    for step in (adapt, first, second):
        assert (step.warmup_ratio, step.weight_decay, step.gradient_clip) == (0, 0, 1)
        assert (step.precision, step.mask_probability, step.batch_tokens) == ("fp32", 0.15, None)
    assert (neurons.scorer, neurons.shape, neurons.loss) == ("taylor", "uniform", "labels")
    assert [round(size * (1 - neurons.pruning_ratio)) for size in (3072, 1536)] == [2048, 1024]
    assert (neurons.calibration_split, neurons.recovery) == ("dev", "none")
    assert (width.basis, width.reorder_heads) == ("truncation", True)
    assert [width.sized(size, 12).hidden_size for size in (768, 384)] == [312, 156]
    assert (tokens.max_vocabulary_size, tokens.keep_script_characters) == (40_000, False)


def test_the_published_adapters_are_trained_as_published():
    section = read_recipe("extreme-published").downstream
    assert section.seeds == (1, 2, 3)
    for task, options in section.tasks.items():
        is_tagging = task in ("pos", "ner")
        rate, epochs, batch, length = (3e-4, 100, 64, 512) if is_tagging else (1e-4, 20, 16, 256)
        assert (options.learning_rate, options.num_epochs) == (rate, epochs)
        assert (options.batch_size, options.max_length) == (batch, length)
        wanted = (0.05, 0.01) if is_tagging else (0, 0)
        assert (options.warmup_ratio, options.weight_decay) == wanted
        assert (options.tuning, options.bottleneck.reduction) == ("bottleneck", 16)
        assert (options.precision, options.head_learning_rate) == ("fp32", None)
        flags = {"label_all_subtokens", "published_metric"} if is_tagging else set()
        assert set(options.task_options) == flags
    assert set(section.tasks) == {"topic", "sentiment", "pos", "ner"}


def test_ours_trims_first_and_learns_from_the_teacher_and_then_from_the_student():
    steps = read_recipe("extreme").steps
    assert [step.method for step in steps] == [
        "vocabulary_trimming",
        "adaptation",
        "layer_dropping",
        "ffn_pruning",
        "distillation",
        "width_reduction",
        "distillation",
    ]
    assert [steps[place].teacher for place in (4, 6)] == ["step:adaptation", "step:distillation"]


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
    assert [stage["name"] for stage in stages[8:]] == ["export"] * (name == EXPORTED)
    scored = [stage for stage in stages if "downstream" in stage]
    assert [stage["name"] for stage in scored] == ["source", stages[7]["name"]]
    assert stages[7]["name"].startswith("07-")
    for stage in scored:
        found = {(one["task"], one["metric"]) for one in stage["downstream"]["scores"]}
        assert found == SCORES[name]
        assert stage["downstream"]["pseudo_perplexity"]["swh-Latn"]["value"] > 1
    assert scored[-1]["num_parameters"] < 0.4 * scored[0]["num_parameters"]


def test_what_has_no_data_is_said(finished):
    name, directory, _, told = finished
    for task in {"topic", "sentiment", "pos", "ner"} - {TASKS[name]}:
        assert f"downstream: left out: {task}: no data were given (--data {task}=PATH)" in told
    assert "Left out: pos: no data were given" in (directory / "final" / "README.md").read_text()


def test_the_final_model_is_plain(finished):
    name, directory, _, _ = finished
    model = AutoModel.from_pretrained(directory / "final").eval()
    tokenizer = AutoTokenizer.from_pretrained(directory / "final")
    config = model.config
    assert (config.num_hidden_layers, config.intermediate_size) == (LAYERS // 2, 32)
    heads = {"extreme": 5, "extreme-published": 12}[name]
    width = {"extreme": 20, "extreme-published": 24}[name]
    assert (config.num_attention_heads, config.hidden_size) == (heads, width)
    assert width < HIDDEN
    states = model(**tokenizer("Habari ya asubuhi", return_tensors="pt")).last_hidden_state
    assert states.shape[-1] == width
    assert np.isfinite(states.detach().numpy()).all()


@pytest.mark.parametrize("finished", [EXPORTED], indirect=True)
def test_the_export_runs_in_onnxruntime(finished):
    _, directory, _, _ = finished
    tokenizer = AutoTokenizer.from_pretrained(directory / "final")
    session = onnxruntime.InferenceSession(directory / "export" / "model.onnx")
    encoded = tokenizer("Habari ya asubuhi", return_tensors="np")
    names = {one.name for one in session.get_inputs()}
    fed = {key: value.astype(np.int64) for key, value in encoded.items() if key in names}
    (logits, *_) = session.run(None, fed)
    assert logits.shape[-1] == len(tokenizer)
    assert np.isfinite(logits).all()
