"""The studies whose results are in the repository."""

import platform
from pathlib import Path

import pytest

from benchmarks.schema import RESULTS
from tinyglot.studies import Store, expand, read_grid
from tinyglot.studies.rows import RESULTS_FILE, read_rows
from tinyglot.studies.store import rows_of

STORES = sorted(path.parent for path in RESULTS.glob("*/study.yaml"))


@pytest.mark.parametrize("directory", STORES, ids=lambda path: path.name)
def test_every_cell_keeps_the_schema_and_is_named_by_its_key(directory):
    filed = Store(directory).cells()
    assert len(filed) > 0
    assert [key for key, cell in filed.items() if cell.key != key] == []
    assert {cell.study for cell in filed.values()} == {directory.name}


@pytest.mark.parametrize("directory", STORES, ids=lambda path: path.name)
def test_the_parquet_is_made_of_the_cells(directory):
    store = Store(directory)
    filed = store.cells()
    rows = rows_of(expand(store.grid()), filed)
    assert read_rows(directory / RESULTS_FILE).equals(rows)


@pytest.mark.parametrize("directory", STORES, ids=lambda path: path.name)
def test_filed_cells_are_those_of_the_built_in_study_of_today(directory):
    cells = {cell.key: cell.coordinates for cell in expand(read_grid(directory.name))}
    filed = {key: cell.coordinates for key, cell in Store(directory).cells().items()}
    assert len(filed) > 0
    assert filed == {key: cells.get(key) for key in filed}


@pytest.mark.parametrize("directory", STORES, ids=lambda path: path.name)
def test_no_cell_names_a_machine(directory):
    texts = {path.name: path.read_text("utf-8") for path in directory.glob("cells/*.json")}
    private = (str(Path.home()) + "/", f'"{platform.node()}"')
    assert [name for name, text in texts.items() if any(word in text for word in private)] == []
