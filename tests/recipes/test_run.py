import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from tests.recipes.jobs import STEPS, recipe, tree, write_inputs
from tinyglot.errors import MissingInputError, NoEffectError
from tinyglot.recipes import Run, parse_recipe, run_recipe, stage_facts

TRIM, TUNE, DROP = STEPS[0], {**STEPS[1], "max_steps": 2}, STEPS[2]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def run(inputs, tmp_path_factory):
    content = recipe(inputs, steps=[TRIM, TUNE, DROP], evaluate={"split": "dev"})
    return run_recipe(parse_recipe(content), tmp_path_factory.mktemp("run"))


def zeros_in(checkpoint):
    return sum(int((value == 0).sum()) for value in weights(checkpoint).values())


def weights(checkpoint):
    return load_file(checkpoint / "model.safetensors")


def test_the_directory_holds_what_the_design_says(run):
    assert {path.name for path in run.directory.iterdir() if path.name != ".lock"} == {
        "README.md",
        "evaluation",
        "final",
        "recipe.yaml",
        "report.html",
        "results.parquet",
        "steps",
    }
    assert [path.name for path in sorted((run.directory / "steps").iterdir())] == [
        "01-vocabulary_trimming",
        "02-fine_tuning",
        "03-layer_dropping",
    ]
    for step in (run.directory / "steps").iterdir():
        names = {path.name for path in step.iterdir()}
        assert names == {"plan.json", "checkpoint", "record.json", "timing.json"}


def test_final_is_the_last_checkpoint_with_the_card(run):
    last = run.stages()["03-layer_dropping"]
    for path in last.iterdir():
        assert (run.final / path.name).read_bytes() == path.read_bytes()
    assert (run.final / "README.md").read_bytes() == (run.directory / "README.md").read_bytes()


def test_a_record_says_what_was_done_to_what(run, inputs):
    first, second, third = run.records()
    assert [record["method"] for record in run.records()] == [
        name.partition("-")[2] for name in run.stages()
    ]
    source = hashlib.sha256((inputs / "model" / "model.safetensors").read_bytes()).hexdigest()
    assert first["source_weights_sha256"] == source
    assert second["source_weights_sha256"] == first["weights_sha256"]
    assert third["source_size"] == second["size"]
    plan = run.directory / "steps" / "01-vocabulary_trimming" / "plan.json"
    assert first["plan_sha256"] == hashlib.sha256(plan.read_bytes()).hexdigest()
    assert first["config"]["held_out_share"] == 0.0


def test_sizes_are_those_of_the_files(run):
    for record, checkpoint in zip(run.records(), run.stages().values(), strict=True):
        stored = weights(checkpoint)
        assert record["size"]["num_parameters"] == sum(value.size for value in stored.values())
        assert record["size"]["size_bytes"] == (checkpoint / "model.safetensors").stat().st_size
        assert record["size"]["num_zero_weights"] == zeros_in(checkpoint)


def test_zeros_that_were_there_before_are_told_apart(inputs, tmp_path):
    model = write_inputs(tmp_path / "zeros") / "model"
    stored = {name: torch.from_numpy(value) for name, value in weights(model).items()}
    with torch.no_grad():
        stored["encoder.layer.1.output.dense.weight"][0, :7] = 0.0
    save_file(stored, model / "model.safetensors", metadata={"format": "pt"})
    run = run_recipe(parse_recipe(recipe(tmp_path / "zeros", steps=[TRIM])), tmp_path / "run")
    (record,) = run.records()
    before = zeros_in(model)
    assert (record["source_size"]["num_zero_weights"], before) == (before, before)
    assert before >= 7
    assert record["size"]["num_zero_weights"] == zeros_in(run.final) >= 7


def test_what_a_method_recorded_is_in_the_record(run):
    assert run.records()[1]["facts"]["num_steps"] == 2
    assert run.records()[0]["facts"] == {}


def test_scores_are_taken_of_every_model_with_a_head(run):
    rows = run.rows()
    assert rows["model"].to_list() == ["02-fine_tuning", "03-layer_dropping"]
    assert set(rows["split"]) == {"dev"}
    assert set(rows["n"]) == {4}


def test_a_run_without_scores_gives_no_rows(inputs, tmp_path):
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), tmp_path)
    assert run.rows().height == 0
    assert "language" in run.rows().columns


def test_export_and_latency_are_stages_too(inputs, tmp_path):
    measure = {"batch": [1, 2], "length": [8], "rounds": 3}
    content = recipe(inputs, steps=[TUNE], evaluate={}, export={"int8": True}, measure=measure)
    told = []
    run = run_recipe(parse_recipe(content), tmp_path, told.append)
    assert told[-4:] == [
        "export: onnx, int8",
        "evaluate: 01-fine_tuning",
        "evaluate: export",
        "measure: latency, interleaved",
    ]
    assert run.rows()["model"].to_list() == ["01-fine_tuning", "export"]
    measured = json.loads((tmp_path / "measure.json").read_text())
    assert {(row["model"], row["batch"]) for row in measured} == {
        (name, batch) for name in ("source", "01-fine_tuning", "export") for batch in (1, 2)
    }
    facts = stage_facts(run)
    assert [stage["name"] for stage in facts] == ["source", "01-fine_tuning", "export"]
    assert [stage["batch"] for stage in facts] == [1, 1, 1]  # the first shape stands for a stage
    assert facts[2]["size_bytes"] < facts[1]["size_bytes"]
    export = json.loads((tmp_path / "export" / "export.json").read_text())
    assert [score["language"] for score in export["scores"]] == ["swh-Latn"]
    before = tree(tmp_path)
    told.clear()
    run_recipe(parse_recipe(content), tmp_path, told.append)
    assert (told, tree(tmp_path)) == ([], before)


def test_evaluating_without_any_head_is_refused(inputs, tmp_path):
    content = recipe(inputs, steps=[TRIM], evaluate={})
    with pytest.raises(
        MissingInputError, match=r"no model of the run has a head[\s\S]*fine_tuning"
    ):
        run_recipe(parse_recipe(content), tmp_path)


def test_a_recipe_without_steps_saves_the_model_checked(inputs, tmp_path):
    run = run_recipe(parse_recipe({"model": str(inputs / "model")}), tmp_path)
    before = weights(inputs / "model")
    assert all(np.array_equal(value, before[name]) for name, value in weights(run.final).items())
    assert run.records() == []


def test_a_step_that_refuses_leaves_the_steps_before_it(inputs, tmp_path):
    content = recipe(inputs, steps=[TRIM, {**DROP, "num_layers": 2}])
    with pytest.raises(NoEffectError, match="every layer would stay"):
        run_recipe(parse_recipe(content), tmp_path)
    assert list(Run(tmp_path, parse_recipe(content)).stages()) == ["01-vocabulary_trimming"]
    assert not (tmp_path / "final").exists()


def test_a_person_is_told_what_goes_on(inputs, tmp_path):
    told = []
    run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), tmp_path, told.append)
    assert told[0] == "01-vocabulary_trimming: start"
    assert "keep" in told[1]


def test_times_are_beside_the_record(run):
    for step in (run.directory / "steps").iterdir():
        assert json.loads((step / "timing.json").read_text())["seconds"] >= 0
        assert "seconds" not in json.loads((step / "record.json").read_text())


def test_notes_of_loading_are_told(inputs, tmp_path):
    model = write_inputs(tmp_path / "noted") / "model"
    stored = {name: torch.from_numpy(value) for name, value in weights(model).items()}
    stored["lm_head.bias"] = torch.zeros(3)
    save_file(stored, model / "model.safetensors", metadata={"format": "pt"})
    told = []
    run_recipe(parse_recipe({"model": str(model)}), tmp_path / "run", told.append)
    assert told == ["  left out, unused: lm_head.bias"]
