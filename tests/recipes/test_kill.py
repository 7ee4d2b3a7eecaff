"""The promise of resume: killed anywhere, a run ends with the same bytes as one that was not."""

import pytest

from tests.recipes.jobs import recipe, tree, write_inputs
from tests.recipes.killed import KILLED, run_until

TRIM, TUNE, DROP, TUNE_AGAIN = (
    "steps/01-vocabulary_trimming",
    "steps/02-fine_tuning",
    "steps/03-layer_dropping",
    "steps/04-fine_tuning",
)
# In the order in which a run comes to them; each process goes on where the one before died.
POINTS = [
    ("written", "recipe.yaml"),
    ("written", f"{TRIM}/plan.json"),
    ("saving", 1),
    ("written", f"{TRIM}/checkpoint"),
    ("written", f"{TRIM}/record.json"),
    ("written", f"{TUNE}/plan.json"),
    ("training", 2),  # before the first resume point
    ("training", 4),  # between the first and the second
    ("training", 2),  # of 6 steps, 2 are in the resume point: the fourth
    ("written", f"{TUNE}/checkpoint"),
    ("written", f"{TUNE}/record.json"),
    ("written", f"{DROP}/plan.json"),
    ("written", f"{DROP}/checkpoint"),
    ("written", f"{DROP}/record.json"),
    ("training", 4),
    ("written", "/".join((TUNE_AGAIN, "work", "facts.json"))),
    ("written", f"{TUNE_AGAIN}/record.json"),
    ("written", "final"),
    ("written", "evaluation/02-fine_tuning.parquet"),
    ("written", "results.parquet"),
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def uninterrupted(inputs, tmp_path_factory):
    directory = tmp_path_factory.mktemp("a") / "run"
    assert run_until(recipe(inputs, evaluate={}), directory) == 0
    return tree(directory)


def finished(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files at their final place that a resumed run builds upon."""
    return {
        name: content
        for name, content in files.items()
        if name.endswith(("plan.json", "record.json", ".safetensors", ".parquet"))
        and "/work/" not in name
        and not any(part.startswith(".") for part in name.split("/"))
    }


def times_of_records(directory) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in directory.rglob("record.json")}


def test_a_run_killed_at_every_point_ends_with_the_same_bytes(inputs, uninterrupted, tmp_path):
    directory = tmp_path / "another" / "longer-name"
    times: dict[str, int] = {}
    for point in POINTS:
        assert run_until(recipe(inputs, evaluate={}), directory, point) == KILLED, point
        so_far = finished(tree(directory))
        assert so_far.items() <= uninterrupted.items(), point
        times = {**times_of_records(directory), **times}
    assert run_until(recipe(inputs, evaluate={}), directory) == 0
    assert tree(directory) == uninterrupted
    assert times_of_records(directory) == times  # no finished step was done again
    assert len(times) == 4


def test_the_uninterrupted_run_did_everything(uninterrupted):
    names = set(uninterrupted)
    for step in (TRIM, TUNE, DROP, TUNE_AGAIN):
        files = ("plan.json", "record.json", "checkpoint/model.safetensors")
        assert {f"{step}/{file}" for file in files} <= names
    assert {"final/model.safetensors", "final/README.md", "results.parquet", "report.html"} <= names
    last = uninterrupted[f"{TUNE_AGAIN}/checkpoint/model.safetensors"]
    assert uninterrupted["final/model.safetensors"] == last
    assert last != uninterrupted[f"{TUNE}/checkpoint/model.safetensors"]


def test_no_path_of_the_machine_is_in_the_result(inputs, uninterrupted):
    place = str(inputs.parent).encode()
    own = ("recipe.yaml", "plan.json")  # these say what was given
    leaking = [name for name, content in uninterrupted.items() if place in content]
    assert [name for name in leaking if not name.endswith(own)] == []
