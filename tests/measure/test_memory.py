from pathlib import Path

import numpy as np
import pytest

from tests.measure import fakes
from tinyglot.errors import MeasurementError
from tinyglot.measure import measure_memory

MIB = 2**20
ROOT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(autouse=True)
def tests_can_be_imported(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOT)


def test_weights_are_counted():
    (small,) = measure_memory(fakes.load_holding, "0", [(1, 8)], 1)
    (large,) = measure_memory(fakes.load_holding, str(100 * MIB), [(1, 8)], 1)
    grown = large.peak_memory_bytes - small.peak_memory_bytes
    assert 95 * MIB < grown < 110 * MIB


def test_memory_of_the_calling_process_is_not_counted():
    held = np.ones(400 * MIB, np.uint8)
    (row,) = measure_memory(fakes.load_holding, "0", [(1, 8)], 1)
    assert held[-1] == 1
    assert 0 < row.base_memory_bytes <= row.peak_memory_bytes < 200 * MIB


def test_each_shape_has_its_own_peak_in_the_order_asked_for():
    shapes = [(1, 100), (1, 1), (1, 10)]
    rows = measure_memory(fakes.load_growing, str(MIB), shapes, 1)
    assert [(row.batch, row.length) for row in rows] == shapes
    large, small, middle = (row.peak_memory_bytes for row in rows)
    assert 95 * MIB < large - small < 125 * MIB
    assert 5 * MIB < middle - small < 15 * MIB


def test_rows_state_model_threads_and_calls():
    (row,) = measure_memory(fakes.load_holding, "0", [(2, 8)], 1, calls=3)
    stated = row.as_dict()
    assert (stated["model"], stated["threads"], stated["n"]) == ("0", 1, 3)


def test_threads_reach_the_libraries():
    (row,) = measure_memory(fakes.load_reporting_threads, "3", [(1, 1)], 3)
    assert row.threads == 3


def test_failure_of_the_process_is_told():
    with pytest.raises(MeasurementError, match="no weights in nowhere"):
        measure_memory(fakes.load_failing, "nowhere", [(1, 8)], 1)
