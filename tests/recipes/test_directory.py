import json
import os

import pytest

from tests.recipes.jobs import STEPS, recipe, tree, write_inputs
from tinyglot.errors import (
    DataFormatError,
    MissingInputError,
    RunDirectoryError,
)
from tinyglot.files import locked
from tinyglot.recipes import parse_recipe, run_recipe

TRIM, TUNE = STEPS[0], {**STEPS[1], "max_steps": 2}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """A run of one step."""
    directory = tmp_path_factory.mktemp("finished") / "run"
    run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), directory)
    return directory


def broken_data(inputs, directory):
    """Labelled data whose training split has a line without a tag."""
    folder = directory / "data" / "swh-Latn"
    folder.mkdir(parents=True)
    good = (inputs / "data" / "swh-Latn" / "train.conll").read_text()
    (folder / "train.conll").write_text(good + "\nJuma\n")
    return str(directory / "data")


def test_the_same_recipe_again_does_nothing(inputs, finished):
    before = tree(finished, leave_out=(".lock",))
    times = {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")}
    told = []
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), finished, told.append)
    assert told == []
    assert run.final == finished / "final"
    assert tree(finished, leave_out=(".lock",)) == before
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")} == times


def test_another_recipe_is_refused_with_what_differs(inputs, finished):
    before = tree(finished)
    other = recipe(inputs, steps=[{**TRIM, "coverage": 0.9}], seed=3)
    with pytest.raises(RunDirectoryError, match=r"another recipe") as caught:
        run_recipe(parse_recipe(other), finished)
    assert "seed was 0, is 3" in caught.value.got
    assert "steps.0.coverage was 1.0, is 0.9" in caught.value.got
    assert tree(finished) == before


def test_a_directory_in_use_is_refused(inputs, finished):
    with (
        locked(finished),
        pytest.raises(RunDirectoryError, match=rf"another run[\s\S]*process {os.getpid()}"),
    ):
        run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), finished)


def test_a_directory_with_other_files_is_refused_and_left_alone(inputs, tmp_path):
    for name in ("letter.txt", ".notes.1.tmp"):
        (tmp_path / name).write_text("precious")
    with pytest.raises(RunDirectoryError, match=r"with \.notes\.1\.tmp, letter\.txt"):
        run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".notes.1.tmp", "letter.txt"}


def test_an_empty_directory_is_used(inputs, tmp_path):
    (tmp_path / "run").mkdir()
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), tmp_path / "run")
    assert (run.final / "config.json").exists()


def test_nothing_is_made_when_inputs_are_missing(inputs, tmp_path):
    with pytest.raises(MissingInputError, match="needs data"):
        run_recipe(parse_recipe(recipe(inputs, data=None)), tmp_path / "run")
    assert not (tmp_path / "run" / "recipe.yaml").exists()


def test_after_a_failed_first_step_a_corrected_recipe_takes_the_directory(inputs, tmp_path):
    wrong = recipe(inputs, steps=[TUNE], data=broken_data(inputs, tmp_path))
    with pytest.raises(DataFormatError, match=r"train\.conll"):
        run_recipe(parse_recipe(wrong), tmp_path / "run")
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TUNE])), tmp_path / "run")
    assert run.records()[0]["method"] == "fine_tuning"
    assert run_recipe(parse_recipe(recipe(inputs, steps=[TUNE])), tmp_path / "run") == run


def test_plans_of_the_recipe_before_are_not_used(inputs, tmp_path):
    stale = tmp_path / "run" / "steps" / "01-fine_tuning" / "plan.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    (tmp_path / "run" / "recipe.yaml").write_text("model: other\n")
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TUNE])), tmp_path / "run")
    assert json.loads(stale.read_text())["method"] == "fine_tuning"
    assert len(run.records()) == 1


def test_a_finished_step_is_not_lost_to_a_corrected_recipe(inputs, tmp_path):
    wrong = recipe(inputs, steps=[TRIM, TUNE], data=broken_data(inputs, tmp_path))
    with pytest.raises(DataFormatError, match=r"train\.conll"):
        run_recipe(parse_recipe(wrong), tmp_path / "run")
    before = tree(tmp_path / "run")
    with pytest.raises(RunDirectoryError, match=r"data was .*/data, is "):
        run_recipe(parse_recipe(recipe(inputs, steps=[TRIM, TUNE])), tmp_path / "run")
    assert tree(tmp_path / "run") == before


def test_resume_points_are_not_lost_to_a_corrected_recipe(inputs, tmp_path):
    kept = tmp_path / "run" / "steps" / "01-fine_tuning" / "work" / "training" / "checkpoint-2"
    kept.mkdir(parents=True)
    (kept / "model.safetensors").write_text("hours of work")
    (tmp_path / "run" / "recipe.yaml").write_text("model: other\n")
    with pytest.raises(RunDirectoryError, match=r"model was other, is"):
        run_recipe(parse_recipe(recipe(inputs, steps=[TUNE])), tmp_path / "run")
    assert (kept / "model.safetensors").read_text() == "hours of work"


def test_after_a_mended_file_the_same_recipe_goes_on(inputs, tmp_path):
    content = recipe(inputs, steps=[TRIM, TUNE], data=broken_data(inputs, tmp_path))
    with pytest.raises(DataFormatError, match=r"train\.conll"):
        run_recipe(parse_recipe(content), tmp_path / "run")
    good = (inputs / "data" / "swh-Latn" / "train.conll").read_text()
    (tmp_path / "data" / "swh-Latn" / "train.conll").write_text(good)
    told = []
    run_recipe(parse_recipe(content), tmp_path / "run", told.append)
    assert told[0] == "02-fine_tuning: start"


def test_a_step_of_another_version_of_its_method_is_not_gone_on_with(inputs, tmp_path):
    run = run_recipe(parse_recipe(recipe(inputs, steps=[TRIM])), tmp_path)
    record = tmp_path / "steps" / "01-vocabulary_trimming" / "record.json"
    old = {**run.records()[0], "version": 0}
    record.write_text(json.dumps(old))
    with pytest.raises(RunDirectoryError, match=r"method has changed[\s\S]*trimming version 0"):
        run_recipe(run.recipe, tmp_path)
