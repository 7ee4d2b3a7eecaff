import pytest
from pydantic import ValidationError

from tinyglot.errors import PruningScheduleError
from tinyglot.methods.magnitude_pruning import MagnitudePruningConfig, PruningOptions
from tinyglot.methods.magnitude_pruning.published import nearest_schedule, published_schedules
from tinyglot.methods.magnitude_pruning.schedule import make_schedule


def scheduled(num_steps=100, num_sentences=1000, **options):
    return make_schedule(PruningOptions(sparsity=0.5, **options), num_sentences, num_steps)


# --- steps ---------------------------------------------------------------------------------------


def test_events_are_a_frequency_apart_and_the_last_reaches_the_target():
    options = PruningOptions(sparsity=0.5, start_step=3, end_step=10, frequency=3, ramp="linear")
    events = make_schedule(options, 1000, 100).events(options)
    assert events == ((3, 0.5 / 3), (6, 1 / 3), (9, 0.5))


def test_one_event():
    options = PruningOptions(sparsity=0.7, start_step=4, end_step=4, frequency=9)
    assert make_schedule(options, 1000, 5).events(options) == ((4, 0.7),)


def test_given_steps_are_said_to_be_given():
    assert scheduled(start_step=3, end_step=10, frequency=3).source == "as given"


def test_a_schedule_longer_than_the_training_is_refused():
    assert scheduled(11, start_step=0, end_step=10, frequency=5).steps == (0, 5, 10)
    with pytest.raises(PruningScheduleError, match=r"after step 10[\s\S]*has 10 steps"):
        scheduled(10, start_step=0, end_step=10, frequency=5)


def test_a_start_behind_the_end_of_the_table_is_refused():
    with pytest.raises(PruningScheduleError, match=r"start_step 50, end_step 5 \(end_step, freq"):
        scheduled(75, start_step=50)


def test_a_training_that_stops_early_has_the_schedule_of_the_whole_one():
    options = PruningOptions(sparsity=0.5)
    whole = make_schedule(options, 5000, 1878)
    assert make_schedule(options, 5000, 1878, stop_step=121) == whole
    with pytest.raises(PruningScheduleError, match=r"after step 120 [\s\S]*has 120 steps"):
        make_schedule(options, 5000, 1878, stop_step=120)


def test_a_frequency_above_the_range_is_refused():
    with pytest.raises(PruningScheduleError, match=r"end_step 130, frequency 100 \(freq[\s\S]* 30"):
        scheduled(18780, 5000, start_step=100, end_step=130)
    assert scheduled(18780, 5000, start_step=100, end_step=100).steps == (100,)


def test_every_mistake_is_named_at_once():
    both = "end_step 3 is before start_step 9; sparsity 0 removes nothing"
    with pytest.raises(ValidationError, match=both):
        MagnitudePruningConfig(sparsity=0.0, start_step=9, end_step=3)
    with pytest.raises(ValidationError, match="4 validation errors"):
        MagnitudePruningConfig(sparsity=1.0, start_step=-1, frequency=0, ramp="square")


def test_no_sparsity_is_a_control_run_only():
    with pytest.raises(ValidationError, match="allow_no_effect: true for a control run"):
        PruningOptions(sparsity=0)
    assert PruningOptions(sparsity=0, allow_no_effect=True).sparsity == 0


# --- the paper's table ---------------------------------------------------------------------------


def test_the_table_is_the_papers():
    rows = [(r.train, r.start, r.end, r.every, r.num_events) for r in published_schedules()]
    assert rows == [
        (100, 10, 60, 10, 6),
        (1000, 100, 300, 50, 5),
        (5000, 500, 1200, 100, 8),
        (10000, 500, 1200, 100, 8),
        (15000, 700, 1800, 150, 8),
        (20000, 1000, 2400, 200, 8),
    ]


def test_totals_are_sixty_epochs():
    for row in published_schedules():
        assert row.total == 60 * -(-row.train // row.batch)


@pytest.mark.parametrize(
    ("num_sentences", "row"), [(1, 100), (317, 1000), (300, 100), (7100, 10000), (578_300, 20000)]
)
def test_the_nearest_size_by_ratio(num_sentences, row):
    assert nearest_schedule(num_sentences).train == row


def test_the_papers_run_has_the_papers_steps():
    for row in published_schedules():
        found = scheduled(row.total, row.train)
        assert (found.start_step, found.frequency) == (row.start, row.every)
        assert found.steps[-1] == row.start + (row.num_events - 1) * row.every <= row.end


def test_a_shorter_run_has_the_same_shares():
    found = scheduled(1878, 5000)  # a tenth of 18,780
    assert found.steps == (50, 60, 70, 80, 90, 100, 110, 120)
    assert found.source == (
        "start_step, end_step, frequency: Ogueji et al. 2022, table A.2, 5,000 sentences, "
        "18,780 steps scaled to 1,878"
    )


def test_in_a_very_short_run_steps_stay_apart():
    assert scheduled(40, 20000).steps == (1, 2, 3, 4, 5, 6, 7, 8)
    assert scheduled(3, 20000).steps == (0, 1, 2)
    assert scheduled(1, 100).steps == (0,)


def test_one_step_may_be_given():
    found = scheduled(1878, 5000, end_step=90)
    assert (found.start_step, found.end_step, found.frequency) == (50, 90, 10)
    assert found.source.startswith("start_step, frequency: Ogueji")
