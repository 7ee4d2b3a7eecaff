import pytest

from tests.studies.tiny_study import (
    always_dying,
    dying_once,
    failing_when_sparse,
    grid,
    instant,
    raising,
)
from tinyglot.studies import expand
from tinyglot.studies.engines import Job, processes
from tinyglot.studies.engines.processes import ProcessEngine


def jobs(directory, **axes) -> list[Job]:
    """The sparse cells first, though they must come after their dense ones."""
    return [
        Job(
            cell.key,
            {
                "study": cell.study,
                "key": cell.key,
                "coordinates": cell.coordinates,
                "dataset": "panx",
                "directory": str(directory),
                "num_threads": 1,
            },
            () if cell.is_dense else (cell.group, "of no job"),
        )
        for cell in reversed(expand(grid(seed=[0, 1], **axes)))
    ]


def outcomes(work, asked, num_workers=1):
    return list(ProcessEngine(work, num_workers).run(asked))


@pytest.mark.parametrize("num_workers", [1, 3])
def test_every_job_has_one_outcome_and_waits_for_those_before_it(tmp_path, num_workers):
    asked = jobs(tmp_path)
    found = outcomes(instant, asked, num_workers)
    keys = [outcome.key for outcome in found]
    assert sorted(keys) == sorted(job.key for job in asked)
    assert all(keys.index(job.after[0]) < keys.index(job.key) for job in asked if job.after)
    assert {(outcome.error, outcome.attempts) for outcome in found} == {(None, 1)}
    results = {outcome.key: outcome.result for outcome in found}
    assert results == {job.key: instant(job.payload) for job in asked}


def test_a_failed_job_does_not_stop_the_others(tmp_path):
    found = outcomes(failing_when_sparse, jobs(tmp_path))
    errors = [outcome.error for outcome in found if outcome.result is None]
    assert len(errors) == 2
    assert errors[0].startswith("Could not prune.\n  got:      sand\n")


def test_an_error_that_nobody_explains_says_where(tmp_path):
    (job, *_) = jobs(tmp_path)
    (outcome,) = outcomes(raising, [job])
    assert outcome.error.startswith(f"KeyError: '{job.key}' (raising, line ")


def test_the_job_of_a_lost_worker_is_run_again(tmp_path):
    found = outcomes(dying_once, jobs(tmp_path), 2)
    sparse = [outcome for outcome in found if outcome.result["rows"][0]["sparsity"]]
    assert [(outcome.attempts, outcome.error) for outcome in sparse] == [(2, None)] * 2
    assert len(found) == 4


def test_a_job_that_loses_every_worker_is_given_up(tmp_path):
    found = {outcome.key: outcome for outcome in outcomes(always_dying, jobs(tmp_path))}
    lost = [outcome for outcome in found.values() if outcome.error]
    assert [outcome.attempts for outcome in lost] == [3, 3]
    assert lost[0].error == (
        "Could not run the cell: its process ended 3 times, the last time with code -9."
    )
    assert len(found) == 4


def test_no_job_is_no_work(monkeypatch):
    monkeypatch.setattr(processes, "_Worker", lambda *_: pytest.fail("a worker was started"))
    assert outcomes(instant, []) == []
