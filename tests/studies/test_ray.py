"""Ray runs the same jobs as processes do; each cluster is started by a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cli.console import problem
from tests.studies import ray_jobs
from tests.studies.tiny_study import InThisProcess, files_below, real_grid, write_inputs
from tinyglot.errors import EngineError, MissingExtraError, UnknownMethodError
from tinyglot.studies import Choice, Store, expand, run_study
from tinyglot.studies.engines import Job, make_engine
from tinyglot.studies.engines import ray as ray_engine

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 1500


@pytest.fixture(scope="module")
def directory():
    """A path short enough for Ray's sockets, which pytest's is not everywhere."""
    with tempfile.TemporaryDirectory(prefix="tg", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture(scope="module")
def driven(directory):
    """What both drivers saw; they run at the same time, since starting Ray is mostly waiting."""
    write_inputs(directory / "cluster" / "inputs")
    (directory / "local").mkdir()
    drivers = {what: start(what, directory / what) for what in ("cluster", "local")}
    try:
        said = {what: driver.communicate(timeout=TIMEOUT_S)[1] for what, driver in drivers.items()}
    finally:
        for driver in drivers.values():
            driver.kill()
    assert {driver.returncode for driver in drivers.values()} == {0}, said
    return {what: json.loads((directory / f"{what}/seen.json").read_text()) for what in drivers}


def start(what: str, directory: Path) -> subprocess.Popen:
    """Start a driver; its workers find the tests, and temporary files stay in the directory."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(directory)}
    environment |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.studies.ray_driver", what, str(directory)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


# --- jobs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local(driven):
    return driven["local"]


@pytest.fixture(scope="module")
def outcomes(local):
    return {outcome["key"]: outcome for outcome in local["outcomes"]}


def test_every_job_has_one_outcome(local, outcomes):
    assert len(local["outcomes"]) == 6
    assert set(outcomes) == {job["key"] for job in ray_jobs.jobs(Path())}


def test_a_job_waits_for_those_before_it(local):
    keys = [outcome["key"] for outcome in local["outcomes"]]
    assert keys.index("first") < keys.index("after-first")
    assert keys.index("failing") < keys.index("after-failing")


def test_results_are_those_of_processes(outcomes, tmp_path):
    without_deaths = [job for job in ray_jobs.jobs(tmp_path) if "dies" not in job["payload"]]
    engine = make_engine("processes", ray_jobs.work, 2)
    expected = {one.key: vars(one) for one in engine.run([Job(**job) for job in without_deaths])}
    assert len(expected) == 4
    assert {key: outcomes[key] for key in expected} == expected


def test_a_failed_job_is_not_tried_again(outcomes):
    failed = outcomes["failing"]
    assert (failed["attempts"], failed["result"]) == (1, None)
    assert failed["error"].startswith("KeyError: 'failing' (work, line ")
    assert outcomes["after-failing"]["error"] is None


def test_the_job_of_a_lost_worker_is_run_again(outcomes, directory):
    again = outcomes["lost-once"]
    assert (again["attempts"], again["error"], again["result"]["name"]) == (2, None, "lost-once")
    begun = (directory / "local" / "lost-once.begun").read_text("utf-8").split()
    assert len(set(begun)) == 2  # another process


def test_a_job_that_loses_every_worker_is_given_up(outcomes):
    lost = outcomes["lost-always"]
    assert (lost["attempts"], lost["result"]) == (3, None)
    assert lost["error"] == (
        "Could not run the cell: its process ended 3 times, the last time by WorkerCrashedError."
    )


def test_nothing_of_the_cluster_is_left(local, directory):
    assert local["num_seen"] == local["num_gone"] >= 4
    assert [path.name for path in (directory / "local").glob("tg-ray-*")] == []
    assert {"RAY_AUTH_TOKEN", "RAY_AUTH_MODE"}.isdisjoint(local["environment"])


# --- a study ------------------------------------------------------------------------------------


def test_a_study_gives_the_same_cells_though_a_worker_is_lost_in_training(driven, directory):
    sitting = driven["cluster"]
    assert (sitting["num_finished"], sitting["failed"], sitting["num_left"]) == (2, {}, 0)
    study = real_grid(directory / "cluster" / "inputs")
    here, there = Store(directory / "here"), Store(directory / "cluster" / "out")
    run_study(study, here, InThisProcess(), Choice())
    dense, sparse = (cell.key for cell in expand(study))
    expected, found = cells(here), cells(there)
    assert set(found) == set(expected) == {dense, sparse}
    assert (found[sparse].pop("attempts"), expected[sparse].pop("attempts")) == (2, 1)
    assert found == expected
    parquet = [(store.directory / "results.parquet").read_bytes() for store in (here, there)]
    assert parquet[0] == parquet[1]


def cells(store):
    """What is filed, without the commit: somebody may work in this tree meanwhile."""
    files = files_below(store.directory, "cells/*.json")
    filed = {name.removesuffix(".json"): json.loads(text) for name, text in files.items()}
    for cell in filed.values():
        del cell["provenance"]["git_commit"], cell["provenance"]["git_dirty"]
    return filed


# --- refusals -----------------------------------------------------------------------------------


@pytest.fixture
def no_ray(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ray" else found(name)
    )


@pytest.mark.usefixtures("no_ray")
def test_without_ray_it_says_what_to_install():
    with pytest.raises(MissingExtraError, match=r'no package ray[\s\S]*pip install "tinyglot\[ray'):
        make_engine("ray", ray_jobs.work, 2)


@pytest.mark.usefixtures("no_ray")
def test_the_command_says_so_before_anything_is_written(tmp_path):
    found = problem("study", "run", "imp-small", "--engine", "ray", "--out", tmp_path / "out")
    assert found["got"] == "no package ray"
    assert not (tmp_path / "out").exists()


def test_an_unknown_engine_is_told():
    with pytest.raises(UnknownMethodError, match=r"no such engine[\s\S]*rays[\s\S]*mean ray\?"):
        make_engine("rays", ray_jobs.work, 1)


def test_an_address_is_for_ray():
    with pytest.raises(EngineError, match=r"--address 10\.0\.0\.1:6379 with --engine processes"):
        make_engine("processes", ray_jobs.work, 1, "10.0.0.1:6379")


def test_no_job_starts_no_cluster(monkeypatch):
    monkeypatch.setattr(ray_engine, "_cluster", lambda *_: pytest.fail("a cluster was started"))
    assert list(make_engine("ray", ray_jobs.work, 2).run([])) == []


class Unreachable:
    """Ray where no cluster can be had."""

    def __init__(self) -> None:
        self.asked: list[dict] = []

    def is_initialized(self) -> bool:
        return False

    def init(self, **options) -> None:
        self.asked.append(options)
        raise ConnectionError("first line\nnobody answers")

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize(
    ("address", "message", "times"),
    [
        ("127.0.0.1:1", r"reach the Ray cluster[\s\S]*127\.0\.0\.1:1: \w+: nobody answers\n", 1),
        (None, r"start Ray on this machine[\s\S]*ConnectionError: nobody answers\n", 2),
    ],
)
def test_a_cluster_that_cannot_be_had_is_told(monkeypatch, address, message, times):
    fake = Unreachable()
    monkeypatch.setattr(ray_engine, "_private", dict)
    monkeypatch.setattr(ray_engine.importlib, "import_module", lambda _: fake)
    job = Job(**ray_jobs.job(Path(), "first"))
    with pytest.raises(EngineError, match=message):
        list(make_engine("ray", ray_jobs.work, 2, address).run([job]))
    assert len(fake.asked) == times
    assert [options.get("address") for options in fake.asked] == [address] * times
    assert "RAY_USAGE_STATS_ENABLED" not in os.environ


def test_the_directory_of_sockets_is_short(monkeypatch, tmp_path):
    deep = tmp_path / ("deep" * 10)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with ray_engine._short_directory() as made:
        assert len(made) <= ray_engine._LONGEST_PARENT + len("/tg-ray-12345678")
        assert Path(made).is_dir()
    assert not Path(made).exists()
