import pytest
from transformers import TrainerCallback

from tests.training.runs import run
from tests.training.test_resume import assert_same_bytes, interrupted_run
from tinyglot.errors import RunDirectoryError
from tinyglot.training import Trunk

STEP = 6


class Seen(TrainerCallback):
    """Notes the steps that were taken."""

    def __init__(self):
        self.steps = []

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        self.steps.append(state.global_step + 1)


class HalveFrom(Seen):
    """Does something to the gradients from a step on."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def settings(self):
        return {"halve_from": self.step}

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        super().on_pre_optimizer_step(args, state, control)
        if state.global_step + 1 >= self.step:
            for parameter in model.parameters():
                parameter.grad.mul_(0.5)


@pytest.fixture
def trunk(tmp_path):
    return Trunk(tmp_path / "trunk", STEP)


def test_the_first_training_leaves_the_shared_steps_and_is_not_changed_by_it(tmp_path, trunk):
    alone = run(tmp_path / "alone", save_steps=None)
    assert_same_bytes(run(tmp_path / "first", trunk=trunk, save_steps=None), alone)
    assert [path.name for path in trunk.directory.iterdir()] == ["step-6"]
    assert {path.name for path in trunk.place.iterdir()} == {"training.json", "checkpoint-6"}


def test_a_later_training_begins_there_and_ends_with_the_same_bytes(tmp_path, trunk):
    run(tmp_path / "first", trunk=trunk)
    alone, branched = HalveFrom(STEP + 1), HalveFrom(STEP + 1)
    expected = run(tmp_path / "alone", [alone])
    actual = run(tmp_path / "branch", [branched], trunk)
    assert_same_bytes(actual, expected)
    assert alone.steps[0] == 1
    assert branched.steps[0] == STEP + 1


def test_a_branch_goes_on_from_its_own_resume_point(tmp_path, trunk):
    run(tmp_path / "first", trunk=trunk)
    expected = run(tmp_path / "alone")
    interrupted_run(tmp_path / "branch", 11, trunk=trunk)
    seen = Seen()
    assert_same_bytes(run(tmp_path / "branch", [seen], trunk), expected)
    assert seen.steps[0] == 9  # the newest resume point is that of step 8


def test_refuses_shared_steps_of_another_training(tmp_path, trunk):
    run(tmp_path / "first", trunk=trunk)
    with pytest.raises(RunDirectoryError, match=r"learning_rate was 0\.01[\s\S]*0\.02"):
        run(tmp_path / "other", trunk=trunk, learning_rate=0.02)


def test_refuses_to_go_on_with_callbacks_that_decide_otherwise(tmp_path):
    run(tmp_path / "run", [HalveFrom(9)])
    with pytest.raises(RunDirectoryError, match=r"'halve_from': 9[\s\S]*'halve_from': 8"):
        run(tmp_path / "run", [HalveFrom(8)])


def test_of_two_that_leave_the_steps_at_once_the_first_one_wins(tmp_path, trunk):
    for name in ("first", "second"):
        (tmp_path / name / "checkpoint-6").mkdir(parents=True)
        (tmp_path / name / "checkpoint-6" / "weights").write_text(name)
        trunk.leave(tmp_path / name, {"learning_rate": 0.1})
    assert (trunk.place / "checkpoint-6" / "weights").read_text() == "first"
    assert [path.name for path in trunk.directory.iterdir()] == ["step-6"]
