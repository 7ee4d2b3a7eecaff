import json

import pytest

from tests.cli.console import problem, run
from tests.studies.rows_by_hand import record, rows
from tinyglot.studies.rows import write_rows


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    place = tmp_path_factory.mktemp("home") / "studies" / "by-hand"
    found = rows(record("swh-Latn", 0.5), record("swh-Latn", 0.4, sparsity=0.5))
    write_rows(found, place / "results.parquet")
    return place


def test_tables_are_printed_or_written(store, tmp_path):
    ended = run("study", "table", store)
    assert (ended.code, ended.err) == (0, "")
    assert "| Swahili (swh-Latn) | 200 | 100 | 0.0 | 50.0 | 40.0 |" in ended.out
    path = tmp_path / "tables.json"
    assert run("study", "table", store, "--format", "json", "--out", path).out == ""
    assert json.loads(path.read_text("utf-8"))["tables"][0]["rows"][0][4:] == ["50.0", "40.0"]
    header = run("study", "table", store, "--format", "csv").out.splitlines()[0]
    assert header.startswith("table,study,model,method")


def test_a_name_is_that_of_a_folder_of_studies(store, monkeypatch):
    monkeypatch.chdir(store.parent.parent)
    assert "Swahili" in run("study", "table", "by-hand").out


def test_figures_are_written(store, tmp_path):
    ended = run("study", "figures", store, "--out", tmp_path)
    assert (ended.code, ended.out) == (0, "")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert "scores-multilingual-all-none.svg" in files
    assert f"wrote {len(files)} file(s)" in ended.err


def test_the_page_is_written_with_its_figures(store, tmp_path):
    ended = run("study", "report", store, "--out", tmp_path / "page.md")
    assert ended.code == 0
    assert "### O2: " in (tmp_path / "page.md").read_text("utf-8")
    assert (tmp_path / "by-hand" / "scores-multilingual-all-none.svg").is_file()


@pytest.mark.parametrize("command", ["table", "figures", "report"])
def test_a_study_that_has_not_run_is_a_problem(command, tmp_path):
    out = [] if command == "table" else ["--out", tmp_path / "out"]
    found = problem("study", command, tmp_path / "nothing", *out)
    assert found["problem"] == "Could not read the rows of a study: no such file."
    assert "nothing" in found["got"]
    assert "tinyglot study run" in found["fix"]
    assert not (tmp_path / "out").exists()
