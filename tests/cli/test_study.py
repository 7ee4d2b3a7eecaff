import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.console import problem, run
from tests.studies.tiny_study import content, write_inputs
from tests.tiny import tiny_checkpoint
from tinyglot.cli.study import COMMANDS
from tinyglot.studies import builtin_studies, expand, read_grid

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "studies.md"
LISTED = re.compile(r"^\| `([\w-]+)` \| (\d+) \|", re.MULTILINE)
GRID = re.compile(r"```yaml\n(name: .*?)```", re.DOTALL)


def write_grid(directory, **recipe):
    found = content()
    found["recipe"] |= {"data": "panx", "evaluate": {}, **recipe}
    path = directory / "mine.yaml"
    path.write_text(yaml.safe_dump(found, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(command):
    ended = run("study", command, "--help")
    assert ended.code == 0
    assert f"tinyglot study {command}" in ended.out.partition("Examples:")[2]


# --- plan ---------------------------------------------------------------------------------------


def test_the_plan_of_a_builtin_study_needs_nothing():
    plan = json.loads(run("study", "plan", "imp-small", "--json").out)
    assert (plan["study"], len(plan["cells"])) == ("imp-small", 45)
    assert {cell["state"] for cell in plan["cells"]} == {"missing"}
    assert set(plan["cells"][0]) == {"key", "coordinates", "num_steps", "hours", "state"}


@pytest.mark.parametrize(
    ("name", "last"),
    [
        # 300 steps of .6 seconds each; 12 x 160 + 3 x (40 + 80 + 120) of .5
        ("imp-small", "45 cells, 45 to run; hours one after the other: 2.2"),
        ("imp-control", "21 cells, 21 to run; hours one after the other: 0.4"),
        ("imp-panx-monolingual", "390 cells, 390 to run; hours one after the other: unknown: "),
        ("imp-panx-multilingual", "39 cells, 39 to run; hours one after the other: unknown: "),
    ],
)
def test_plans_of_builtin_studies_say_without_data_what_can_be_known(name, last):
    lines = run("study", "plan", name).out.splitlines()
    assert lines[-1].startswith(last)
    is_known = name in {"imp-small", "imp-control"}
    cells = [line for line in lines if "  missing  " in line]
    assert len(cells) == int(last.partition(" ")[0])
    assert {" steps" in line for line in cells} == {is_known}


def test_a_plan_for_people_names_every_cell_and_the_sum(inputs, tmp_path):
    grid = write_grid(tmp_path)
    lines = run("study", "plan", grid, "--data", inputs / "data").out.splitlines()
    cells = expand(read_grid(grid))
    assert lines == [
        f"{cells[0].key}  missing  swh-Latn magnitude_pruning dense seed 0  about 6 steps",
        f"{cells[1].key}  missing  swh-Latn magnitude_pruning 50 % exclude seed 0  about 6 steps",
        "2 cells, 2 to run; hours one after the other: unknown: nothing was measured",
    ]


def test_mistakes_of_a_grid_are_a_problem(tmp_path):
    path = write_grid(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("sparsity", "sparsty"))
    found = problem("study", "plan", path)
    assert found["problem"] == "Could not use tiny: 2 mistakes."
    first, second = found["got"].splitlines()
    assert first.startswith("axes.sparsty: neither the recipe nor a step has this option, did you")
    assert second.strip().startswith("recipe.steps.0.magnitude_pruning.sparsity: Field required")


def test_data_that_the_study_does_not_have_are_a_problem():
    found = problem("study", "plan", "imp-small", "--data", "uner=/nowhere")
    assert (found["got"], found["fix"]) == (
        "uner=/nowhere: the study has no such data",
        "--data panx=PATH",
    )


# --- run and status -----------------------------------------------------------------------------


def test_a_failed_study_says_why_and_goes_on_when_the_cause_is_gone(inputs, tmp_path):
    model = tmp_path / "model"
    grid, out = write_grid(tmp_path, model=str(model)), tmp_path / "out"
    command = ("study", "run", grid, "--out", out, "--data", inputs / "data")
    ended = run(*command, "--json")
    told = json.loads(ended.out)
    assert (ended.code, told["num_finished"], told["num_left"]) == (1, 0, 2)
    assert all("Could not find the model." in error for error in told["failed"].values())
    assert "1/2 swh-Latn magnitude_pruning dense seed 0: failed: Could not find" in ended.err
    status = run("study", "status", out)
    assert status.code == 0
    assert status.out.splitlines()[-1] == "tiny: 2 failed"
    assert "    Could not find the model." in status.out
    tiny_checkpoint(model)
    assert run(*command, "--limit", 1).code == 0
    counts = json.loads(run("study", "status", out, "--json").out)["counts"]
    assert counts == {"failed": 1, "finished": 1}
    plan = json.loads(run("study", "plan", grid, "--out", out, "--json").out)
    assert [cell["state"] for cell in plan["cells"]] == ["finished", "failed"]
    assert plan["cells"][0]["num_steps"] == 6
    assert plan["cells"][0]["hours"] > 0


def test_a_directory_without_a_study_has_no_state(tmp_path):
    assert problem("study", "status", tmp_path)["fix"] == "tinyglot study run NAME --out DIR"


def test_a_builtin_study_is_copied_and_plans_alike(tmp_path):
    assert run("study", "copy", "imp-small", tmp_path / "mine.yaml").code == 0
    plans = [
        run("study", "plan", name, "--json").out for name in ("imp-small", tmp_path / "mine.yaml")
    ]
    assert plans[0] == plans[1]
    assert problem("study", "copy", "imp-small", tmp_path / "mine.yaml")["expected"] == "a new file"


# --- the page -----------------------------------------------------------------------------------


def test_the_page_lists_every_builtin_study_with_its_cells():
    listed = {name: int(cells) for name, cells in LISTED.findall(HOW_TO.read_text("utf-8"))}
    assert listed == {name: len(expand(read_grid(name))) for name in builtin_studies()}


def test_the_grid_of_the_page_is_valid(tmp_path):
    (text,) = GRID.findall(HOW_TO.read_text("utf-8"))
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    # two sets of languages; 1 + 2 x 2 and 1 + 1 x 2 of sparsities and variants
    assert len(expand(read_grid(tmp_path / "mine.yaml"))) == 3 * 2 * (5 + 3)
