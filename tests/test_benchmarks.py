import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from benchmarks import bench_int8, processes, tables
from benchmarks.schema import RESULTS, ProcessCost, ResultFile, read_result
from tinyglot import recipes
from tinyglot.recipes import read_recipe

RECIPES = (RESULTS.parent / "recipes", Path(recipes.__file__).parent / "builtin")


def result_files() -> list[Path]:
    found = sorted(RESULTS.glob("*.json"))  # studies have folders, see tests/studies/test_filed.py
    assert found, "no results: the checks would be vacuous"
    return found


def a_cost(**changes) -> ProcessCost:
    values = dict.fromkeys(("wall_s", "user_cpu_s", "system_cpu_s"), 1.0)
    values |= {"other_cpu_s": 0.0, "peak_memory_bytes": 1, "load_average_before": 0.0}
    return ProcessCost(**{**values, **changes})


@pytest.mark.parametrize("path", result_files(), ids=lambda path: path.stem)
def test_every_result_keeps_the_schema(path):
    assert read_result(path).schema_version == 1


@pytest.mark.parametrize("path", result_files(), ids=lambda path: path.stem)
def test_no_result_names_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert str(Path.home()) + "/" not in text
    assert f'"{platform.node()}"' not in text
    assert read_result(path).provenance.git_commit.isalnum()


def test_an_unknown_key_is_refused():
    content = json.loads(result_files()[0].read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match="seconds"):
        ResultFile.model_validate({**content, "seconds": 1})


def test_another_version_of_the_schema_is_refused():
    content = json.loads(result_files()[0].read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match="schema_version"):
        ResultFile.model_validate({**content, "schema_version": 2})


def test_the_tables_of_the_readme_are_those_of_the_results():
    text = tables.README.read_text(encoding="utf-8")
    assert text == tables.with_tables(text), "stale: python -m benchmarks.tables"


def test_a_changed_number_makes_the_readme_stale():
    text = tables.README.read_text(encoding="utf-8")
    inside = text.index(tables.BEGIN) + len(tables.BEGIN)
    assert tables.with_tables(text[:inside] + "\n0.999" + text[inside:]) == tables.with_tables(text)


def test_every_recipe_of_a_result_is_here():
    jobs = [file.result for file in map(read_result, result_files())]
    named = {job.recipe for job in jobs if job.benchmark == "main_job"}
    files = [path for folder in RECIPES for path in folder.glob("*.yaml")]
    assert len(named) > 0
    assert named <= {path.name for path in files if read_recipe(path).steps}


def test_every_benchmark_is_in_the_readme():
    names = {path.stem for path in RESULTS.parent.glob("bench_*.py")}
    text = tables.README.read_text(encoding="utf-8")
    assert len(names) > 0
    assert [name for name in names if f"benchmarks.{name}" not in text] == []


# --- processes ----------------------------------------------------------------------------------


def test_the_peak_memory_is_that_of_the_process_alone():
    small, large = (
        processes.run_fresh([sys.executable, "-c", f"x = bytearray({size} * 2**20)"]).cost
        for size in (1, 200)
    )
    grown = large.peak_memory_bytes - small.peak_memory_bytes
    assert 190 * 2**20 < grown < 210 * 2**20


def test_cpu_seconds_include_started_processes():
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    cost = processes.run_fresh([sys.executable, "-c", script]).cost
    assert 0.5 <= cost.cpu_s < 5.0


def test_a_process_that_takes_too_long_is_stopped_with_its_children():
    script = "import subprocess; subprocess.run(['sleep', '900'])"
    finished = processes.run_fresh([sys.executable, "-c", script], timeout_s=1.0)
    assert finished.was_stopped
    assert finished.returncode < 0
    assert finished.cost.wall_s < 300.0


def test_output_and_exit_code_come_back():
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    finished = processes.run_fresh([sys.executable, "-c", script])
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, "out\n", "err\n")
    assert not finished.was_stopped


def test_cpu_seconds_are_the_sum_of_both_kinds():
    assert a_cost(user_cpu_s=2.0, system_cpu_s=0.5).cpu_s == 2.5


def test_waiting_for_quiet_ends_when_patience_does(monkeypatch):
    busy = iter(range(0, 1000, 10))
    monkeypatch.setattr(processes, "busy_seconds", lambda: float(next(busy)))
    assert not processes.wait_for_quiet(0.0, window_s=0.01)


def test_a_quiet_machine_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(processes, "busy_seconds", lambda: 5.0)
    assert processes.wait_for_quiet(0.0, window_s=0.01)


def test_others_are_what_is_left_of_the_busy_time(monkeypatch):
    monkeypatch.setattr(processes, "busy_seconds", lambda: 12.0)
    assert processes.other_cpu_seconds(5.0, own=2.0) == 5.0
    assert processes.other_cpu_seconds(5.0, own=1000.0) == 0.0
    assert processes.other_cpu_seconds(None, own=2.0) is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="Linux only")
def test_busy_seconds_are_those_of_all_processes():
    assert processes.busy_seconds() >= time.process_time() > 0


# --- int8 ---------------------------------------------------------------------------------------


def test_the_error_of_a_scheme_is_one_minus_the_cosine():
    a, b = np.float32([[1, 0], [3, 4], [1, 1]]), np.float32([[0, 2], [3, 4], [2, 0]])
    assert bench_int8.one_minus_cosine(a, b) == pytest.approx((1 + 0 + 1 - 0.5**0.5) / 3)
    assert bench_int8.one_minus_cosine(a, a) == 0.0


def test_every_token_of_a_language_counts_and_no_padding():
    def model(batch):
        return np.stack([batch["input_ids"], batch["attention_mask"]], axis=-1)

    ids = {"swh-Latn": [[5], [6, 7, 8], [9, 9]]}
    found = bench_int8.vectors(model, ids, pad=1, batch=2)
    lines = [[[5, 1]], [[6, 1], [7, 1], [8, 1]], [[9, 1], [9, 1]]]
    assert [rows.tolist() for rows in found["swh-Latn"]] == lines
