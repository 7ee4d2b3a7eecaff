import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForTokenClassification

from tests.parity import assert_parity
from tests.training import launched

REPOSITORY = Path(__file__).resolve().parents[2]
# with --cpu, accelerate starts one process only, without a word, unless MPI is there
LAUNCH = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
LAUNCH += ["--num_machines", "1"]
LAUNCH += ["--num_cpu_threads_per_process", "1", "--main_process_port", "0"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no"]


def launch(directory, step_to_die=0, module="tests.training.launched"):
    command = [sys.executable, "-m", *LAUNCH, "-m", module]
    return subprocess.run(
        [*command, str(directory), str(step_to_die)],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def said(directory):
    return [json.loads((directory / f"said-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("two")
    finished = launch(directory)
    assert finished.returncode == 0, finished.stderr
    return directory


def test_both_processes_end_with_the_same_weights(two_processes):
    first, second = said(two_processes)
    assert first["rank"] != second["rank"]
    assert {**first, "rank": None} == {**second, "rank": None}


def test_the_model_is_saved_once(two_processes):
    assert sorted(path.name for path in (two_processes / "final").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    resume_points = [path.name for path in two_processes.glob("*checkpoint*")]
    assert resume_points == ["checkpoint-8"]


def test_two_processes_train_as_one_does_on_twice_the_batch(two_processes, tmp_path):
    """Equal up to the order in which gradients are added."""
    alone = launched.run(tmp_path, 8)
    together = said(two_processes)[0]
    assert together["num_steps"] == alone.record.num_steps
    assert together["num_tokens"] == alone.record.num_tokens
    assert together["first_epoch_loss"] == pytest.approx(alone.record.first_epoch_loss, abs=1e-5)
    saved = AutoModelForTokenClassification.from_pretrained(two_processes / "final")
    for name, parameter in saved.named_parameters():
        if name.endswith("key.bias"):  # softmax does not see it: AdamW scales up rounding noise
            continue
        assert_parity(parameter, alone.model.get_parameter(name), atol=2e-4)


@pytest.mark.slow
def test_two_processes_resume_after_a_kill(two_processes, tmp_path):
    assert launch(tmp_path, step_to_die=7).returncode != 0
    assert (tmp_path / "checkpoint-4").is_dir()
    finished = launch(tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert said(tmp_path) == said(two_processes)
