"""The program under ``accelerate launch``: all processes train, one writes and prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.recipes.jobs import recipe, write_inputs
from tests.training.test_launch import LAUNCH

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


def launch(*arguments):
    command = [sys.executable, "-W", "ignore", "-m", *LAUNCH, "-m", "tinyglot.cli"]
    places = [str(REPOSITORY), str(REPOSITORY / "src")]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def finetune(inputs, out):
    return launch(
        "finetune", inputs / "model", "--task", "ner", "--data", inputs / "data",
        "--language", "sw", "--batch-size", 4, "--max-steps", 3, "--out", out, "--json",
    )  # fmt: skip


def test_two_processes_train_one_model_and_print_once(inputs, tmp_path):
    done = finetune(inputs, tmp_path / "run")
    assert done.returncode == 0, done.stderr[-3000:]
    (row,) = json.loads(done.stdout)  # printed by one process only
    assert row["language"] == "swh-Latn"
    step = tmp_path / "run" / "steps" / "01-fine_tuning"
    assert json.loads((step / "plan.json").read_text())["num_processes"] == 2
    assert json.loads((step / "record.json").read_text())["facts"]["num_steps"] == 3
    assert (tmp_path / "run" / "final" / "README.md").exists()


def test_two_processes_recover_what_one_has_pruned(inputs, tmp_path):
    """The others join the step that trains, and leave out the one that may and does not."""
    quick = {"max_steps": 1, "batch_size": 4, "save_steps": None, "max_train_sentences": 8}
    again = {"iterations": 2, "shape": "free", "calibration_sentences": 4, "loss": "hidden_states"}
    steps = [
        {"method": "head_pruning", "num_heads": 3, "scorer": "magnitude"},
        {"method": "ffn_pruning", "pruning_ratio": 0.5, "recovery": "train", **quick, **again},
    ]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe(inputs, steps=steps)), encoding="utf-8")
    done = launch("run", path, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (
        tmp_path / "run" / "steps" / f"0{n}" for n in ("1-head_pruning", "2-ffn_pruning")
    )
    assert json.loads((first / "plan.json").read_text())["training"] is None
    assert json.loads((second / "plan.json").read_text())["training"]["num_processes"] == 2
    facts = json.loads((second / "record.json").read_text())["facts"]
    assert [each["num_steps"] for each in facts["trainings"]] == [1, 1]


@pytest.mark.slow
def test_a_finished_run_is_gone_on_with_by_all(inputs, tmp_path):
    first, again = (finetune(inputs, tmp_path / "run") for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), again.stderr[-3000:]
    assert json.loads(first.stdout) == json.loads(again.stdout)


@pytest.mark.slow
def test_a_problem_ends_all_processes(inputs, tmp_path):
    done = launch(
        "finetune", inputs / "model", "--task", "ner", "--data", tmp_path / "nowhere",
        "--language", "sw", "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "  fix:      " in done.stderr
    assert not (tmp_path / "run" / "final").exists()
