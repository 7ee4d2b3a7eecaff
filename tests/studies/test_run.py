import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.studies.tiny_study import (
    InThisProcess,
    content,
    drive,
    dying_in_training,
    failing_when_sparse,
    files_below,
    instant,
    real_grid,
    run,
    write_inputs,
)
from tinyglot.errors import RunDirectoryError, StudyError
from tinyglot.files import locked
from tinyglot.methods import magnitude_pruning
from tinyglot.studies import (
    Choice,
    Store,
    expand,
    parse_grid,
    run_study,
)
from tinyglot.studies.describe import status_facts
from tinyglot.studies.engines.processes import ProcessEngine
from tinyglot.studies.places import data_names, places_of
from tinyglot.studies.store import states
from tinyglot.studies.training_data import data_digests

PATIENCE_S = 300


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """A study that really ran, never interrupted."""
    store = Store(tmp_path_factory.mktemp("study") / "out")
    sitting = run_study(real_grid(inputs), store, InThisProcess(), Choice())
    assert (sitting.num_finished, sitting.failed, sitting.num_left) == (2, {}, 0)
    return store


def without_times(files: dict[str, bytes]) -> dict[str, dict]:
    read = {name: json.loads(text) for name, text in files.items()}
    return {name: {k: v for k, v in cell.items() if k != "attempts"} for name, cell in read.items()}


# --- a study that ran ---------------------------------------------------------------------------


def test_a_cell_is_filed_with_recipe_versions_facts_and_rows(inputs, finished):
    cells = expand(real_grid(inputs))
    filed = finished.cells()
    assert set(filed) == {cell.key for cell in cells}
    sparse = filed[cells[1].key]
    assert (sparse.study, sparse.error, sparse.attempts) == ("tiny", None, 1)
    assert sparse.coordinates == cells[1].coordinates
    assert sparse.method_versions == {"magnitude_pruning": magnitude_pruning.METHOD.version}
    assert sparse.recipe["data"] == "data"
    assert sparse.steps[0]["facts"]["num_steps"] == 6
    assert sparse.provenance.num_threads == 1
    assert sparse.data == data_digests(cells[1].recipe)


def test_the_parquet_holds_the_rows_of_all_cells(inputs, finished):
    rows = pl.read_parquet(finished.directory / "results.parquet")
    assert len(rows) == 4
    assert set(rows["key"]) == {cell.key for cell in expand(real_grid(inputs))}
    assert sorted(rows["sparsity"].to_list()) == [0.0, 0.0, 0.5, 0.5]
    assert set(rows["perturbation"]) == {"none", "in-language"}
    assert set(rows["dataset"]) == {"data"}
    plain = rows.filter(perturbation="none").row(0, named=True)
    # six sentences that training has too, and so have their mentions
    assert (plain["n"], plain["num_train_sentences"]) == (6, 24)
    assert (plain["train_overlap"], plain["entity_overlap"]) == (1.0, 1.0)


def test_nothing_that_is_filed_names_a_place(inputs, finished):
    texts = files_below(finished.directory / "cells", "*.json").values()
    place = str(finished.directory.parent).encode()
    assert len(list(texts)) == 2
    assert not any(place in text or os.uname().nodename.encode() in text for text in texts)
    written = [*texts, (finished.directory / "study.yaml").read_bytes()]
    assert not any(str(inputs).encode() in text for text in written)


def test_run_directories_of_finished_cells_are_removed(finished):
    assert files_below(finished.directory, "work/*") == {}
    assert {path.name for path in finished.shared.iterdir()} == {"perturbed", "trunks"}


def test_the_sparse_cell_began_with_the_steps_of_the_dense_one(inputs, finished, tmp_path):
    sparse = expand(real_grid(inputs))[1]
    _, store, _ = run(inputs, tmp_path, InThisProcess().work, Choice(keys=(sparse.key,)))
    alone = store.cells()[sparse.key]
    shared = finished.cells()[sparse.key]
    assert alone.steps[0]["weights_sha256"] == shared.steps[0]["weights_sha256"]
    assert alone.rows == shared.rows


def test_the_same_cells_give_the_same_bytes(inputs, finished, tmp_path):
    _, store, _ = run(inputs, tmp_path, InThisProcess().work)
    there, again = (files_below(one.directory, "cells/*.json") for one in (finished, store))
    assert there == again
    parquet = [(one.directory / "results.parquet").read_bytes() for one in (finished, store)]
    assert parquet[0] == parquet[1]


def test_a_finished_study_is_not_run_again(inputs, tmp_path):
    _, store, first = run(inputs, tmp_path)
    before = files_below(store.directory, "cells/*.json")
    sitting, _, second = run(inputs, tmp_path)
    assert (len(first.keys), second.keys, sitting.num_finished) == (2, [], 0)
    assert files_below(store.directory, "cells/*.json") == before


def test_a_sitting_may_be_short(inputs, tmp_path):
    sitting, store, engine = run(inputs, tmp_path, choice=Choice(limit=1), seed=[0, 1])
    assert (sitting.num_finished, sitting.num_left) == (1, 3)
    sitting, _, after = run(inputs, tmp_path, seed=[0, 1])
    assert (sitting.num_finished, sitting.num_left) == (3, 0)
    assert set(engine.keys).isdisjoint(after.keys)
    assert len(store.cells()) == 4


def test_only_the_cells_that_are_asked_for_run(inputs, tmp_path):
    wanted = expand(real_grid(inputs))[1].key
    sitting, _, engine = run(inputs, tmp_path, choice=Choice(keys=(wanted,)))
    assert (engine.keys, sitting.num_left) == ([wanted], 1)
    with pytest.raises(StudyError, match=r"none of that key[\s\S]*0123456789abcdef"):
        run(inputs, tmp_path, choice=Choice(keys=("0123456789abcdef",)))


def test_the_parquet_is_written_when_nothing_is_left_to_run(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path, seed=[0, 1])
    (store.directory / "results.parquet").unlink()
    run(inputs, tmp_path, seed=[0, 1])
    assert len(pl.read_parquet(store.directory / "results.parquet")) == 4
    sitting, _, engine = run(inputs, tmp_path, seed=[1])
    assert (engine.keys, sitting.num_left) == ([], 0)
    assert set(pl.read_parquet(store.directory / "results.parquet")["seed"]) == {1}


def test_rows_have_the_coordinates_that_their_cells_have_today(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path, learning_rate=[0.1])
    _, _, engine = run(inputs, tmp_path, learning_rate=[0.1, 0.2])
    assert len(engine.keys) == 2
    rows = pl.read_parquet(store.directory / "results.parquet")
    cells = expand(real_grid(inputs, learning_rate=[0.1, 0.2]))
    methods = {cell.key: cell.coordinates["method"] for cell in cells}
    assert dict(rows.select("key", "method").iter_rows()) == methods
    assert len(set(methods.values())) == 2


# --- failed, stale, foreign ---------------------------------------------------------------------


def test_a_failed_cell_is_filed_with_its_error_and_run_again_later(inputs, tmp_path):
    sitting, store, _ = run(inputs, tmp_path, failing_when_sparse, seed=[0, 1])
    assert (sitting.num_finished, len(sitting.failed), sitting.num_left) == (2, 2, 2)
    failed = [cell for cell in store.cells().values() if cell.error]
    assert [cell.coordinates["sparsity"] for cell in failed] == [0.5, 0.5]
    assert all("Could not prune.\n  got:      sand" in cell.error for cell in failed)
    assert len(pl.read_parquet(store.directory / "results.parquet")) == 2
    sitting, _, engine = run(inputs, tmp_path, seed=[0, 1])
    assert (len(engine.keys), sitting.num_left) == (2, 0)
    assert [cell.error for cell in store.cells().values()] == [None] * 4


def test_cells_of_an_older_version_are_stale_and_run_again(inputs, tmp_path, monkeypatch):
    _, store, _ = run(inputs, tmp_path)
    from tests.studies.test_cells import raised

    newer = raised(magnitude_pruning.METHOD)
    monkeypatch.setattr("tinyglot.studies.cells.get_method", newer)
    cells = expand(real_grid(inputs))
    state = states(cells, store.cells())
    assert [state[cell.key] for cell in cells] == ["finished", "stale"]
    _, _, engine = run(inputs, tmp_path)
    assert engine.keys == [cells[1].key]
    facts = status_facts(cells, store)
    assert (facts["counts"], len(facts["foreign"])) == ({"finished": 2}, 1)
    rows = pl.read_parquet(store.directory / "results.parquet")
    assert set(rows["key"]) == {cell.key for cell in cells}  # none of the old version


def test_a_grid_that_lost_cells_leaves_them_and_says_so(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path, seed=[0, 1])
    run(inputs, tmp_path, seed=[1])
    facts = status_facts(expand(real_grid(inputs, seed=[1])), store)
    assert (facts["counts"], len(facts["foreign"])) == ({"finished": 2}, 2)


def test_a_cell_file_of_another_schema_is_refused(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    path = next((store.directory / "cells").glob("*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "surprise": 1}))
    with pytest.raises(StudyError, match=rf"{path.name}[\s\S]*surprise[\s\S]*remove"):
        store.cells()


# --- directories --------------------------------------------------------------------------------


def test_two_studies_in_one_directory_are_refused(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    other = {**real_grid(inputs).model_dump(mode="json"), "name": "another"}
    with pytest.raises(RunDirectoryError, match=r"another study's[\s\S]*tiny[\s\S]*another"):
        run_study(parse_grid(other), store, InThisProcess(instant), Choice())
    with (
        locked(store.directory),
        pytest.raises(RunDirectoryError, match=rf"another run[\s\S]*process {os.getpid()}"),
    ):
        run(inputs, tmp_path)


def test_a_directory_with_other_files_is_left_alone(inputs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(RunDirectoryError, match=r"other files[\s\S]*thesis\.tex"):
        run(inputs, tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_data_that_are_not_there_stop_the_study_before_it_begins(inputs, tmp_path):
    found = real_grid(inputs).model_dump(mode="json")
    found["recipe"] |= {"data": "panx", "evaluate": None}
    engine = InThisProcess(instant)
    with pytest.raises(StudyError, match=r"data panx[\s\S]*google/xtreme[\s\S]*--data panx=PATH"):
        run_study(parse_grid(found), Store(tmp_path / "out"), engine, Choice())
    assert engine.keys == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_places_are_given_by_name_or_alone(inputs):
    data = str((inputs / "data").resolve())
    assert places_of([data], ["panx"]) == {"panx": f"panx={data}"}
    assert places_of([f"panx={data}"], ["panx", "mine"]) == {"panx": f"panx={data}"}
    assert places_of([f"mine={data}"], ["mine"]) == {"mine": data}
    with pytest.raises(StudyError, match=r"Could not use --data\.") as caught:
        places_of([data, "uner=x", "panx=nowhere"], ["panx", "mine"])
    assert caught.value.got.splitlines() == [
        f"{data}: the study has no such data",
        "uner=x: the study has no such data",
        "panx=nowhere: there is no nowhere",
    ]


def test_data_in_another_place_are_used_and_no_key_changes(inputs, tmp_path):
    found = content()
    found["recipe"] |= {"model": str(inputs / "model"), "data": "panx"}
    study = parse_grid(found)
    places = places_of([str(inputs / "data")], data_names(expand(study)))
    store, engine = Store(tmp_path / "out"), InThisProcess(instant)
    assert run_study(study, store, engine, Choice(places=places)).num_left == 0
    assert engine.keys == [cell.key for cell in expand(study)]
    assert {cell.recipe["data"] for cell in store.cells().values()} == {"panx"}
    text = yaml.safe_load((store.directory / "study.yaml").read_text(encoding="utf-8"))
    assert text["recipe"]["data"] == "panx"


# --- killed -------------------------------------------------------------------------------------


def test_a_worker_that_dies_in_training_is_replaced_and_its_cell_goes_on(
    inputs, finished, tmp_path
):
    store = Store(tmp_path / "out")
    sitting = run_study(real_grid(inputs), store, ProcessEngine(dying_in_training), Choice())
    assert (sitting.num_finished, sitting.num_left) == (2, 0)
    there, again = (files_below(one.directory, "cells/*.json") for one in (finished, store))
    assert {json.loads(text)["attempts"] for text in again.values()} == {2}
    assert without_times(there) == without_times(again)
    assert {timing.was_resumed for timing in store.timings().values()} == {True}


def test_a_killed_driver_takes_its_worker_along_and_the_study_goes_on(inputs, tmp_path):
    (tmp_path / "inputs").symlink_to(inputs)
    context = multiprocessing.get_context("spawn")
    driver = context.Process(target=drive, args=(tmp_path,))
    driver.start()
    worker = _wait_for(tmp_path / "out" / "worker.txt")
    os.kill(driver.pid, signal.SIGKILL)
    driver.join(PATIENCE_S)
    assert driver.exitcode == -signal.SIGKILL
    _wait_until(lambda: not Path(f"/proc/{worker}").exists())
    sitting, store, _ = run(inputs, tmp_path)
    assert (sitting.num_finished, sitting.num_left) == (2, 0)
    assert len(store.cells()) == 2


def _wait_for(path: Path) -> int:
    _wait_until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def _wait_until(condition) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)
