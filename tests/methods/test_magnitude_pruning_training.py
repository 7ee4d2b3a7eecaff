import shutil

import pytest
import torch
from safetensors import safe_open
from transformers import TrainerCallback

from tests.methods.pruned import OPTIONS, run
from tests.training import runs
from tests.training.test_resume import InterruptedRunError, assert_same_bytes, interrupt
from tinyglot.errors import PruningMaskError, PruningScheduleError, RunDirectoryError
from tinyglot.methods.magnitude_pruning import MagnitudePruningCallback
from tinyglot.training import Trunk

PLAIN = {"active_vocabulary": False}
REGROWTH = {"regrowth": True, "ramp": "one_shot"}


class WeightsAt(TrainerCallback):
    """Keeps the weights after some steps."""

    def __init__(self, *steps):
        self.steps, self.weights = steps, {}

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step in self.steps:
            values = model.state_dict().items()
            self.weights[state.global_step] = {name: value.clone() for name, value in values}


def interrupted(directory, step, **options):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(directory, [runs.AtStep(step, interrupt)], **options)


def assert_same_masks(actual, expected):
    assert actual.controller.digest() == expected.controller.digest()
    for name, keep in expected.controller.keep.items():
        assert torch.equal(actual.controller.keep[name], keep), name


def num_zeros(result, callback):
    names = [matrix.name for matrix in callback.controller.matrices]
    return sum(int((result.model.get_parameter(name) == 0).sum()) for name in names)


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    return run(tmp_path_factory.mktemp("pruned"))


@pytest.fixture(scope="module")
def regrown(tmp_path_factory):
    return run(tmp_path_factory.mktemp("regrown"), **REGROWTH)


# --- exact ---------------------------------------------------------------------------------------


def test_the_trained_model_has_exactly_so_many_zeros(pruned, regrown):
    for result, callback in (pruned, regrown):
        total = callback.controller.num_weights
        assert num_zeros(result, callback) == callback.controller.num_removed == round(0.7 * total)


def test_regrowth_chooses_others(pruned, regrown):
    assert pruned[1].controller.digest() != regrown[1].controller.digest()


@pytest.mark.parametrize("scope", ["matrix", "layer"])
def test_every_group_has_its_share(scope):
    result, callback = run(None, scope=scope)
    for members in {matrix.group(scope): [] for matrix in callback.controller.matrices}:
        group = [m for m in callback.controller.matrices if m.group(scope) == members]
        size = sum(matrix.parameter.numel() for matrix in group)
        zeros = sum(int((matrix.parameter == 0).sum()) for matrix in group)
        assert abs(zeros - 0.7 * size) <= 1
    assert num_zeros(result, callback) == round(0.7 * callback.controller.num_weights)


def test_before_the_first_event_nothing_is_different_from_plain_training():
    seen, plain = WeightsAt(3, 4), WeightsAt(3, 4)
    run(None, [seen])
    runs.run(None, [plain], **PLAIN)
    assert all(
        torch.equal(seen.weights[3][name], plain.weights[3][name]) for name in plain.weights[3]
    )
    assert any(not torch.equal(seen.weights[4][n], plain.weights[4][n]) for n in plain.weights[4])


def test_a_control_run_without_sparsity_ends_as_plain_training():
    control, _ = run(None, sparsity=0.0, allow_no_effect=True)
    assert_same_bytes(control, runs.run(None, **PLAIN))


# --- resumed -------------------------------------------------------------------------------------


# 2: before any resume point; 6: resumed at 4, after the first event; 10: at 8; 13: after the last
@pytest.mark.parametrize("step", [2, 6, 10, 13])
def test_interrupted_at_any_step(tmp_path, pruned, step):
    interrupted(tmp_path, step)
    result, callback = run(tmp_path)
    assert_same_bytes(result, pruned[0])
    assert_same_masks(callback, pruned[1])


@pytest.mark.parametrize("step", [6, 13])
def test_interrupted_with_regrowth(tmp_path, regrown, step):
    interrupted(tmp_path, step, **REGROWTH)
    result, callback = run(tmp_path, **REGROWTH)
    assert_same_bytes(result, regrown[0])
    assert_same_masks(callback, regrown[1])


@pytest.mark.parametrize(
    "options",
    [
        {"regrowth": True},  # between two events, of which neither is the last
        {"sparsity": 0.0, "allow_no_effect": True, "end_step": 5},  # after the last event
    ],
    ids=["regrowth", "control"],
)
def test_interrupted_twice_between_the_same_events(tmp_path, options):
    options = {"training": {"save_steps": 2}, "end_step": 13, "frequency": 10, **options}
    options["frequency"] = min(10, options["end_step"] - 3)
    expected, whole = run(tmp_path / "whole", **options)
    interrupted(tmp_path / "cut", 7, **options)
    interrupted(tmp_path / "cut", 11, **options)
    assert (tmp_path / "cut" / "checkpoint-10").exists()
    result, callback = run(tmp_path / "cut", **options)
    assert_same_bytes(result, expected)
    assert callback.controller.num_removed == whole.controller.num_removed


def test_shared_first_steps_of_a_dense_training(tmp_path, pruned):
    trunk = Trunk(tmp_path / "trunk", OPTIONS["start_step"])
    runs.run(tmp_path / "dense", trunk=trunk, **PLAIN)
    assert trunk.place.exists()
    branched, callback = run(tmp_path / "branch", trunk=trunk)
    assert_same_bytes(branched, pruned[0])
    assert_same_masks(callback, pruned[1])


def test_shared_first_steps_of_another_sparsity(tmp_path, pruned):
    trunk = Trunk(tmp_path / "trunk", OPTIONS["start_step"])
    run(tmp_path / "first", trunk=trunk, sparsity=0.5)
    branched, _ = run(tmp_path / "branch", trunk=trunk)
    assert_same_bytes(branched, pruned[0])


def test_a_directory_of_another_sparsity_is_refused(tmp_path):
    interrupted(tmp_path, 6)
    with pytest.raises(RunDirectoryError, match=r"'sparsity': 0\.7[\s\S]*'sparsity': 0\.5"):
        run(tmp_path, sparsity=0.5)


# --- refused -------------------------------------------------------------------------------------


class MovesZeros(TrainerCallback):
    """Stands for an optimizer that changes weights without a gradient."""

    def on_optimizer_step(self, args, state, control, model=None, **kwargs):
        with torch.no_grad():
            model.get_parameter("roberta.encoder.layer.1.output.dense.weight").add_(1e-3)


class StopsAt(TrainerCallback):
    """Ends the training early."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop = state.global_step == self.step


def test_an_optimizer_that_moves_removed_weights_is_found_at_the_next_event():
    expected = r"removed weights of roberta\.encoder\.layer\.1\.output\.dense[\s\S]*AdamW or SGD"
    with pytest.raises(PruningMaskError, match=expected):
        run(None, [MovesZeros()])


def test_a_training_that_ends_before_the_last_event_is_refused():
    with pytest.raises(
        PruningScheduleError, match=r"after step 9\n[\s\S]*after step 9, and a step"
    ):
        run(None, [StopsAt(9)])
    result, callback = run(None, [StopsAt(10)])
    assert num_zeros(result, callback) == callback.controller.num_removed > 0


def test_a_schedule_that_is_longer_than_the_training_is_refused():
    with pytest.raises(PruningScheduleError, match=r"after step 15 \(as given\)[\s\S]*15 steps"):
        run(None, end_step=15)


def test_two_callbacks_that_prune_are_refused():
    with pytest.raises(PruningMaskError, match=r"2 of MagnitudePruningCallback"):
        run(None, [MagnitudePruningCallback(**OPTIONS)])


def names_in(checkpoint):
    """Files, and the tensors in those with weights."""
    names = {path.name for path in checkpoint.iterdir()}
    for path in checkpoint.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            names |= set(file.keys())
    return names


def test_nothing_of_the_masks_is_left_in_a_resume_point(tmp_path):
    interrupted(tmp_path, 6)
    with_pruning = names_in(tmp_path / "checkpoint-4")
    shutil.rmtree(tmp_path)
    with pytest.raises(InterruptedRunError, match=r"^$"):
        runs.run(tmp_path, [runs.AtStep(6, interrupt)], **PLAIN)
    plain = names_in(tmp_path / "checkpoint-4")
    assert plain == with_pruning
    assert "roberta.encoder.layer.0.output.dense.weight" in plain
