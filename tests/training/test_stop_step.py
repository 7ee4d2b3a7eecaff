import pytest
import torch
from transformers import TrainerCallback

from tests.training.runs import NUM_STEPS, SAVE_STEPS, run
from tests.training.test_resume import assert_same_bytes, interrupted_run, resume_points

WHOLE = {"max_steps": NUM_STEPS, "active_vocabulary": False}


class WeightsAt(TrainerCallback):
    """Keeps the weights after a step."""

    def __init__(self, step):
        self.step, self.weights = step, {}

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step == self.step:
            self.weights = {name: v.clone() for name, v in model.state_dict().items()}


@pytest.mark.parametrize("step", [1, SAVE_STEPS, 7, NUM_STEPS])
def test_stopped_training_ends_with_the_weights_that_the_whole_one_had(tmp_path, step):
    at = WeightsAt(step)
    run(tmp_path / "whole", [at], **WHOLE)
    stopped = run(tmp_path / "stopped", stop_step=step, **WHOLE)
    found = stopped.model.state_dict()
    assert found.keys() == at.weights.keys()
    assert all(torch.equal(found[name], value) for name, value in at.weights.items())
    assert stopped.record.num_steps == step


def test_it_is_not_a_shorter_training(tmp_path):
    stopped = run(tmp_path / "stopped", stop_step=7, **WHOLE)
    shorter = run(tmp_path / "shorter", **{**WHOLE, "max_steps": 7})
    names = stopped.model.state_dict().items()
    other = shorter.model.state_dict()
    assert any(not torch.equal(other[name], value) for name, value in names)


def test_interrupted_it_goes_on_and_stops_where_it_should(tmp_path):
    options = {"stop_step": 2 * SAVE_STEPS, **WHOLE}
    expected = run(tmp_path / "at once", **options)
    interrupted_run(tmp_path / "again", SAVE_STEPS + 2, **options)
    assert resume_points(tmp_path / "again") == [f"checkpoint-{SAVE_STEPS}"]
    assert_same_bytes(run(tmp_path / "again", **options), expected)
    assert_same_bytes(run(tmp_path / "again", **options), expected)
