"""The built-in study of what each choice of the recipe `extreme` is worth."""

import copy
from collections import Counter

import pytest

from tests.cli.console import run
from tests.recipes.extreme_jobs import LAYERS, VOCABULARY, write_inputs
from tests.studies.tiny_study import InThisProcess
from tinyglot.recipes.yaml_file import read_yaml
from tinyglot.studies import (
    Choice,
    Store,
    builtin_studies,
    expand,
    parse_grid,
    read_grid,
    run_study,
)
from tinyglot.studies.places import data_names, placed, places_of
from tinyglot.studies.rows import read_rows

NAME = "extreme-ablations"
FACTORS = {
    "loss": 5,
    "weight": 5,
    "depth": 2,
    "init": 4,
    "teacher": 2,
    "width": 5,
    "ffn": 3,
    "vocabulary": 3,
    "neurons": 1,
    "order": 3,
    "tuning": 8,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


def short(inputs):
    """What a user changes in the copy: tiny sizes, one step each."""
    content = copy.deepcopy(read_yaml(builtin_studies()[NAME]))
    content["recipe"]["model"] = str(inputs / "model")
    for step in content["recipe"]["steps"]:
        step |= {"max_steps": 1} if "max_steps" in step else {}
        step |= {"num_layers": LAYERS // 2} if "num_layers" in step else {}
        step |= {"max_vocabulary_size": VOCABULARY} if "max_vocabulary_size" in step else {}
    return content


def test_every_factor_has_its_values_and_every_cell_differs():
    cells = expand(read_grid(NAME))
    named = [cell.coordinates["choice"] for cell in cells]
    assert Counter(name.partition("-")[0] for name in named) == {**FACTORS, "extreme": 1}
    assert len({cell.key for cell in cells}) == len(cells) == len(named)


def test_the_plan_needs_no_data_and_names_every_choice(inputs):
    ended = run("study", "plan", NAME, "--data", f"text={inputs}", "--data", f"sib200={inputs}")
    assert ended.code == 0, ended.err
    assert "swh-Latn teacher-adapted seed 0  about 450 steps" in ended.out.replace("500", "450")
    assert "42 cells, 42 to run" in ended.out


def test_text_has_a_place_as_data_have(inputs, tmp_path):
    cells = expand(read_grid(NAME))
    assert data_names(cells) == ["sib200", "text"]
    (tmp_path / "sw").mkdir()
    (tmp_path / "sw" / "a.txt").write_text("a\n", encoding="utf-8")
    places = places_of([f"text={tmp_path}", f"sib200={inputs}"], data_names(cells))
    found = placed(cells[0].recipe, places)
    assert found.text == {"swh-Latn": (str(tmp_path / "sw"),)}
    assert found.data == f"sib200={inputs}"
    assert placed(cells[0].recipe, {}).text == {"swh-Latn": ("text",)}


def test_cells_run(inputs, tmp_path):
    grid = parse_grid(short(inputs))
    names = ("extreme", "neurons-after-tuning")
    chosen = [cell.key for cell in expand(grid) if cell.coordinates["choice"] in names]
    places = {"text": str(inputs / "sw.txt"), "sib200": f"sib200={inputs / 'topic'}"}
    choice = Choice(keys=tuple(chosen), places=places)
    sitting = run_study(grid, Store(tmp_path), InThisProcess(), choice)
    assert (sitting.num_finished, sitting.failed) == (2, {})
    rows = read_rows(tmp_path)
    assert set(rows["choice"]) == set(names)
    assert set(rows["task"]) == {"topic"}
