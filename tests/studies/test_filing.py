"""What is filed beside scores, what is cleared away, and plans of what is left."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.studies.tiny_study import (
    InThisProcess,
    content,
    instant,
    real_grid,
    run,
    write_inputs,
)
from tinyglot.errors import StudyError
from tinyglot.studies import CellFile, Choice, Store, expand, parse_grid, plan_study, run_study
from tinyglot.studies.describe import status_facts, status_lines
from tinyglot.studies.training_data import data_digests

MEASURED = {"seconds_per_step": 600, "machine": "a slow one"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


# --- what is filed --------------------------------------------------------------------------------


def test_sentences_have_digests_by_language_and_split(inputs, tmp_path):
    (recipe, same) = (cell.recipe for cell in expand(real_grid(inputs)))
    filed = data_digests(recipe)
    assert filed == data_digests(same)
    assert {tag: sorted(splits) for tag, splits in filed.items()} == {"swh-Latn": ["test", "train"]}
    shutil.copytree(inputs, tmp_path / "edited")
    path = tmp_path / "edited" / "data" / "swh-Latn" / "test.conll"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(["Mpya" + lines[0], *lines[1:]]) + "\n", encoding="utf-8")
    (edited, _) = (cell.recipe for cell in expand(real_grid(tmp_path / "edited")))
    found = data_digests(edited)["swh-Latn"]
    assert found["train"] == filed["swh-Latn"]["train"]
    assert found["test"] != filed["swh-Latn"]["test"]


def test_cells_that_were_filed_before_digests_are_valid(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    for path in store.directory.glob("cells/*.json"):
        cell = json.loads(path.read_text("utf-8"))
        del cell["data"]
        path.write_text(json.dumps(cell), encoding="utf-8")
    assert [cell.data for cell in store.cells().values()] == [None, None]


def test_a_stored_study_is_one_that_the_schema_knows(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    filed = [CellFile.model_validate_json(p.read_bytes()) for p in store.directory.glob("cells/*")]
    assert {cell.schema_version for cell in filed} == {1}
    expected = real_grid(inputs).model_dump()
    expected["recipe"] |= {"model": "model", "data": "data"}
    assert store.grid().model_dump() == expected
    assert [c.key for c in expand(store.grid())] == [c.key for c in expand(real_grid(inputs))]


def test_an_empty_entry_of_early_directories_is_read_over(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    path = store.directory / "study.yaml"
    before = store.grid()
    path.write_text(path.read_text("utf-8") + "paper: {}\n", encoding="utf-8")
    assert store.grid() == before


def test_a_filed_error_names_no_place(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path, failing, Choice(places={"data": str(inputs / "data")}))
    for cell in store.cells().values():
        data, work, home, temporary, other = cell.error.splitlines()[1].split("got: ")[1].split()
        assert (data, home, other) == ("data/x.conll", "~/secret/y", "…/z.txt")
        assert work == f"STUDY/work/{cell.key}"
        assert temporary == "TMPDIR/a/b"
        assert str(tmp_path) not in cell.error


def failing(payload):
    data = f"{payload['recipe']['data']}/x.conll"
    places = (
        data,
        f"{payload['directory']}/work/{payload['key']}",
        f"{Path.home()}/secret/y",
        f"{tempfile.gettempdir()}/a/b",
        "/some/where/else/z.txt",
    )
    raise StudyError("Could not.", got=" ".join(places), expected="none", fix="none")


# --- failed, left over ----------------------------------------------------------------------------


def test_cells_that_failed_come_last(inputs, tmp_path):
    dense, sparse = (cell.key for cell in expand(real_grid(inputs)))
    run(inputs, tmp_path, failing, Choice(keys=(dense,)))
    _, _, engine = run(inputs, tmp_path, choice=Choice(limit=1))
    assert engine.keys == [sparse]


def test_what_no_cell_goes_on_from_is_cleared_away(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path, choice=Choice(limit=1))
    finished, missing = (cell.key for cell in expand(real_grid(inputs)))
    stale = "0123456789abcdef"
    kept = [store.work(finished), store.shared / "trunks" / finished]
    gone = [store.work(stale), store.shared / "trunks" / stale, store.shared / ".x.1.tmp"]
    gone.append(store.directory / ".results.parquet.1.tmp")
    begun = store.work(missing)
    for path in (*kept, *gone, begun):
        path.mkdir(parents=True)
    run(inputs, tmp_path, failing)
    assert all(path.exists() for path in (*kept, begun))
    assert [path for path in gone if path.exists()] == []


def test_the_state_names_the_commits_of_the_cells_when_they_differ(inputs, tmp_path):
    _, store, _ = run(inputs, tmp_path)
    cells = expand(real_grid(inputs))
    assert not any("commits" in line for line in status_lines(status_facts(cells, store)))
    path = store.directory / "cells" / f"{cells[0].key}.json"
    cell = json.loads(path.read_text("utf-8"))
    cell["provenance"]["git_commit"] = "abc0" * 10
    path.write_text(json.dumps(cell), encoding="utf-8")
    facts = status_facts(cells, store)
    assert facts["commits"] == {"abc0" * 10: 1, "unknown": 1}
    assert "run at 2 commits: abc0abc0abc0 (1), unknown (1)" in status_lines(facts)


# --- plans --------------------------------------------------------------------------------------


def test_a_plan_needs_neither_data_nor_model():
    plan = plan_study(parse_grid(content()), expand(parse_grid(content())), None, {}).as_dict()
    assert [(c["state"], c["num_steps"], c["hours"]) for c in plan["cells"]] == [
        ("missing", None, None)
    ] * 2
    assert plan["hours"] is None


def test_a_plan_counts_steps_that_the_recipe_gives():
    found = parse_grid({**content(max_steps=[30]), "measured": MEASURED})
    plan = plan_study(found, expand(found), None, {})
    assert [(p.num_steps, p.hours) for p in plan.cells] == [(30, 5.0)] * 2


def test_what_was_measured_is_no_part_of_keys():
    measured = parse_grid({**content(), "measured": MEASURED})
    assert [c.key for c in expand(measured)] == [c.key for c in expand(parse_grid(content()))]


def test_a_plan_counts_steps_of_data_that_are_here(inputs):
    study = real_grid(inputs, languages={"both": ["sw", "de"]}, max_train_sentences=[10, None])
    plan = plan_study(study, expand(study), None, {})
    # two epochs of 20 or 48 sentences in batches of 8
    steps = {
        planned.cell.recipe.steps[0].max_train_sentences: planned.num_steps
        for planned in plan.cells
    }
    assert steps == {10: 6, None: 12}


def test_hours_come_from_the_grid_until_something_was_measured(inputs, tmp_path):
    found = real_grid(inputs, seed=[0, 1]).model_dump(mode="json")
    found["measured"] = {"seconds_per_step": 600, "machine": "a slow one"}
    study = parse_grid(found)
    cells = expand(study)
    assert plan_study(study, cells, None, {}).hours == 4.0
    store = Store(tmp_path / "out")
    run_study(study, store, InThisProcess(instant), Choice(limit=1))
    plan = plan_study(study, cells, store, {})  # two hours a cell, of six steps
    assert [(p.state, p.hours) for p in plan.cells] == [("finished", 2.0), *[("missing", 2.0)] * 3]
    assert plan.hours == 6.0
