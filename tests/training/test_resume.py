import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.runs import NUM_STEPS, AtStep, run
from tinyglot.errors import DiskFullError, RunDirectoryError
from tinyglot.training.resume import newest_checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]


class InterruptedRunError(Exception):
    """Stands for anything that ends a run from inside."""


def interrupt():
    raise InterruptedRunError


def interrupted_run(directory, step, **options):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(directory, [AtStep(step, interrupt)], **options)


def killed_run(directory, when, number):
    """Start the run in a process of its own, which kills itself with signal 9."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.training.runs", str(directory), when, str(number)],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        check=False,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr.decode()


def assert_same_bytes(actual, expected):
    values = actual.model.state_dict()
    for name, value in expected.model.state_dict().items():
        assert torch.equal(values[name], value), name
    assert actual.record == expected.record


def resume_points(directory):
    return sorted(path.name for path in directory.iterdir() if "checkpoint" in path.name)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("uninterrupted"))


def test_killed_inside_a_step(tmp_path, uninterrupted):
    killed_run(tmp_path, "step", 10)
    assert resume_points(tmp_path) == ["checkpoint-8"]
    assert_same_bytes(run(tmp_path), uninterrupted)


def test_killed_while_saving(tmp_path, uninterrupted):
    killed_run(tmp_path, "saving", 8)
    assert resume_points(tmp_path) == ["checkpoint-4"]
    assert (tmp_path / ".saving" / "checkpoint-8" / "trainer_state.json").exists()
    assert_same_bytes(run(tmp_path), uninterrupted)
    assert not (tmp_path / ".saving").exists()


# 3: before the first resume point; 6: resumed at step 4; 9 and 13: in the next epochs
@pytest.mark.parametrize("step", [3, 6, 9, 13])
def test_interrupted_at_any_step(tmp_path, uninterrupted, step):
    interrupted_run(tmp_path, step)
    assert_same_bytes(run(tmp_path), uninterrupted)


def test_interrupted_twice(tmp_path, uninterrupted):
    interrupted_run(tmp_path, 6)
    interrupted_run(tmp_path, 11)
    assert_same_bytes(run(tmp_path), uninterrupted)


def test_resumed_at_the_border_of_an_epoch(tmp_path, uninterrupted):
    interrupted_run(tmp_path, 7, save_steps=5)
    assert resume_points(tmp_path) == ["checkpoint-5"]
    assert_same_bytes(run(tmp_path, save_steps=5), uninterrupted)


def test_resumed_with_few_steps_token_batches_and_bf16(tmp_path):
    options = {"max_steps": 7, "batch_tokens": 80, "batch_size": None, "precision": "bf16"}
    expected = run(tmp_path / "uninterrupted", **options)
    interrupted_run(tmp_path / "interrupted", 6, **options)
    assert_same_bytes(run(tmp_path / "interrupted", **options), expected)


def test_the_resumed_run_does_not_start_again(tmp_path):
    interrupted_run(tmp_path, 10)
    steps = []
    run(tmp_path, [AtStep(9, lambda: steps.append(9)), AtStep(8, lambda: steps.append(8))])
    assert steps == [9]


def test_only_the_newest_resume_point_is_kept(tmp_path, uninterrupted):
    run(tmp_path)
    assert resume_points(tmp_path) == ["checkpoint-12"]


def test_a_finished_run_started_again_gives_the_same(tmp_path, uninterrupted):
    run(tmp_path)
    assert_same_bytes(run(tmp_path), uninterrupted)


def test_resume_points_hold_the_small_model(tmp_path):
    run(tmp_path, max_steps=5)
    config = json.loads((tmp_path / "checkpoint-4" / "config.json").read_text())
    assert config["vocab_size"] < 100


def test_no_resume_points_on_demand(tmp_path):
    run(tmp_path, save_steps=None, max_steps=5)
    assert resume_points(tmp_path) == []


def test_the_record_is_written(tmp_path, uninterrupted):
    run(tmp_path)
    record = json.loads((tmp_path / "training_record.json").read_text())
    assert record["num_steps"] == NUM_STEPS
    assert record["last_epoch_loss"] == uninterrupted.record.last_epoch_loss


@pytest.mark.parametrize(
    ("other", "said"),
    [({"learning_rate": 2e-2}, "learning_rate was 0.01"), ({"seed": 2}, "seed was 1")],
)
def test_resume_points_of_another_training_are_refused(tmp_path, other, said):
    run(tmp_path, max_steps=5)
    with pytest.raises(RunDirectoryError, match=rf"belongs to another[\s\S]*{said}"):
        run(tmp_path, **{"max_steps": 5, **other})


def test_half_written_directory_is_no_resume_point(tmp_path):
    for name in (".saving/checkpoint-8", ".checkpoint-6.old", "checkpoint-4", "checkpoint-x"):
        (tmp_path / name).mkdir(parents=True)
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-4"


@pytest.mark.parametrize(
    "failure",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] PytorchStreamWriter failed"),
    ],
)
def test_full_disk_leaves_the_last_resume_point(tmp_path, monkeypatch, uninterrupted, failure):
    save = torch.save

    def fail_at_step_8(value, path, *args, **kwargs):
        if "checkpoint-8/optimizer" in str(path):
            raise failure
        save(value, path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail_at_step_8)
        with pytest.raises(DiskFullError, match=r"resume point[\s\S]*MiB free"):
            run(tmp_path)
    assert resume_points(tmp_path) == ["checkpoint-4"]
    assert not (tmp_path / ".saving").exists()
    assert_same_bytes(run(tmp_path), uninterrupted)
