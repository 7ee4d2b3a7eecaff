"""The program under ``accelerate launch``: all processes train, one writes and prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recipes.jobs import write_inputs
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
