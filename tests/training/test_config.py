import pytest
from pydantic import ValidationError

from tinyglot.training import TrainingConfig, TrainingOptions


def test_batch_tokens_take_the_place_of_the_default_batch_size():
    options = TrainingOptions(batch_tokens=512)
    assert (options.batch_size, options.batch_tokens) == (None, 512)


def test_both_batch_measures_are_refused():
    with pytest.raises(ValidationError, match="batch_size or batch_tokens, and not both"):
        TrainingOptions(batch_size=8, batch_tokens=512)


def test_no_batch_measure_is_refused():
    with pytest.raises(ValidationError, match="batch_size or batch_tokens"):
        TrainingOptions(batch_size=None)


@pytest.mark.parametrize("options", [TrainingOptions(), TrainingOptions(batch_tokens=512)])
def test_options_survive_json(options):
    assert TrainingOptions.model_validate_json(options.model_dump_json()) == options


def test_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="learnign_rate"):
        TrainingConfig(learnign_rate=1e-4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("learning_rate", 0), ("num_epochs", 0), ("warmup_ratio", 1), ("gradient_clip", 0)],
)
def test_value_out_of_range_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        TrainingOptions(**{field: value})


@pytest.mark.parametrize("options", [{}, {"max_steps": 9}])
def test_a_step_to_stop_at_needs_a_training_that_is_as_long(options):
    with pytest.raises(ValidationError, match=r"stop_step 10 needs max_steps of at least as many"):
        TrainingOptions(stop_step=10, **options)
    assert TrainingOptions(stop_step=10, max_steps=10).stop_step == 10
