"""Studies of structured pruning: named values, shared first steps, and what their rows give."""

import pytest

from tests.studies.tiny_study import InThisProcess, write_inputs
from tinyglot.errors import StudyError
from tinyglot.studies import Choice, Store, expand, parse_grid, read_grid, run_study
from tinyglot.studies.prefixes import first_of_prefix, shared_prefixes
from tinyglot.studies.rows import read_rows

TRAINED = {"max_steps": 3, "batch_size": 8, "save_steps": None}
TUNE = {"method": "fine_tuning", **TRAINED}
HEADS = {"method": "head_pruning", "pruning_ratio": 0.5, "calibration_sentences": 4}
NEURONS = {"method": "ffn_pruning", "pruning_ratio": 0.5, "calibration_sentences": 4}
NEURONS |= {"recovery": "train", **TRAINED}
ALONE = {"importance_languages": ["deu-Latn"], "evaluate": {"languages": ["deu-Latn"]}}
L0 = {"method": "l0_pruning", "pruning_ratio": 0.5, **TRAINED}
DENSE_ONCE = {"pruning_ratio": [0.0], "algorithm": ["taylor"], "mask": ["shared"]}
AXES = {
    "algorithm": {
        "taylor": {"scorer": "taylor"},
        "random": {"scorer": "random"},
        "l0": {"steps": [TUNE, L0]},
    },
    "mask": {"shared": {}, "deu-Latn": ALONE},
    "pruning_ratio": [0.0, 0.5],
}


def content(**changes):
    recipe = {
        "model": "model",
        "task": "ner",
        "data": "data",
        "languages": ["swh-Latn", "deu-Latn"],
        "steps": [TUNE, HEADS, NEURONS],
        "evaluate": {"split": "test"},
    }
    only = [DENSE_ONCE, {"mask": ["deu-Latn"], "algorithm": ["taylor"]}]
    return {"name": "structured", "recipe": recipe, "axes": AXES, "only": only} | changes


def by_place(cells):
    names = ("algorithm", "mask", "pruning_ratio")
    return {tuple(cell.coordinates[name] for name in names): cell for cell in cells}


def test_a_named_value_sets_options_of_the_recipe_and_of_all_steps_that_have_them():
    cells = by_place(expand(parse_grid(content())))
    assert set(cells) == {
        ("taylor", "shared", 0.0),
        ("taylor", "shared", 0.5),
        ("random", "shared", 0.5),
        ("l0", "shared", 0.5),
        ("taylor", "deu-Latn", 0.5),
    }
    alone = cells["taylor", "deu-Latn", 0.5].recipe
    assert alone.evaluate.languages == ("deu-Latn",)
    assert alone.evaluate.split == "test"
    assert [step.importance_languages for step in alone.steps[1:]] == [("deu-Latn",)] * 2
    random = cells["random", "shared", 0.5].recipe
    assert [step.scorer for step in random.steps[1:]] == ["random"] * 2
    assert [step.method for step in cells["l0", "shared", 0.5].recipe.steps] == [
        "fine_tuning",
        "l0_pruning",
    ]


def test_without_removal_what_trains_stays_and_what_does_not_goes():
    dense = by_place(expand(parse_grid(content())))["taylor", "shared", 0.0]
    assert [step.method for step in dense.recipe.steps] == ["fine_tuning", "fine_tuning"]
    assert dense.recipe.steps[1].max_steps == 3
    assert dense.is_dense
    assert dense.coordinates["method"] == "head_pruning+ffn_pruning"


def test_cells_that_begin_alike_share_their_first_steps():
    cells = expand(parse_grid(content()))
    shared = shared_prefixes(cells)
    assert {key: list(names) for key, names in shared.items()} == {cell.key: [0] for cell in cells}
    (name,) = {names[0] for names in shared.values()}
    assert first_of_prefix(cells, shared) == {name: cells[0].key}


def test_steps_that_differ_in_anything_they_look_at_are_not_shared():
    other = content(axes=AXES | {"seed": [0, 1]}, only=[])
    other["axes"] = {"seed": [0, 1], "pruning_ratio": [0.5], "mask": {"a": {}, "b": ALONE}}
    cells = expand(parse_grid(other))
    assert len(cells) == 4
    names = {cell.key: shared_prefixes(cells)[cell.key][0] for cell in cells}
    by_seed = {cell.coordinates["seed"]: names[cell.key] for cell in cells}
    assert len(set(names.values())) == len(set(by_seed.values())) == 2


@pytest.mark.parametrize(
    ("axes", "text"),
    [
        ({"algorithm": {"a": {"scorrer": "taylor"}}}, "algorithm.a.scorrer.*mean 'scorer'"),
        ({"task": {"ner": {"task": "ner"}}}, "axes.task: the name of a column"),
        ({"algorithm": {}}, "axes.algorithm"),
    ],
)
def test_mistakes_of_named_values_say_where_they_are(axes, text):
    with pytest.raises(StudyError, match=text):
        expand(parse_grid(content(axes=axes, only=[])))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def store(inputs, tmp_path_factory):
    found = content()
    found["recipe"] |= {"model": str(inputs / "model"), "data": str(inputs / "data")}
    store = Store(tmp_path_factory.mktemp("store"))
    grid = parse_grid(found)
    first = run_study(grid, store, InThisProcess(), Choice(limit=2))
    assert (first.num_finished, first.failed, first.num_left) == (2, {}, 3)
    second = run_study(grid, store, InThisProcess(), Choice())
    assert (second.num_finished, second.failed, second.num_left) == (3, {}, 0)
    return store


def test_the_shared_step_is_trained_once_and_every_cell_goes_on_from_it(store):
    (shared,) = (store.directory / "shared" / "steps").iterdir()
    assert (shared / "record.json").is_file()
    firsts = {cell.steps[0]["weights_sha256"] for cell in store.cells().values()}
    assert len(firsts) == 1
    assert len({cell.steps[-1]["weights_sha256"] for cell in store.cells().values()}) == 5


def test_a_cell_gives_the_same_weights_without_sharing(store, inputs, tmp_path):
    found = content()
    found["recipe"] |= {"model": str(inputs / "model"), "data": str(inputs / "data")}
    grid = parse_grid(found)
    cell = by_place(expand(grid))["random", "shared", 0.5]
    lonely = Store(tmp_path)
    run_study(grid, lonely, InThisProcess(), Choice(keys=(cell.key,)))
    again = lonely.cells()[cell.key].steps[-1]["weights_sha256"]
    assert again == store.cells()[cell.key].steps[-1]["weights_sha256"]


def test_rows_have_the_coordinates_that_the_grid_adds(store):
    rows = read_rows(store.directory)
    assert rows.columns[-3:] == ["algorithm", "mask", "pruning_ratio"]
    counts = dict(rows.group_by("mask").len().iter_rows())
    assert counts == {"shared": 4 * 2, "deu-Latn": 1}
    assert set(rows.filter(mask="deu-Latn")["language"]) == {"deu-Latn"}


def test_the_builtin_study_has_a_dense_model_a_control_and_masks_of_single_languages():
    cells = expand(read_grid("structured-small"))
    found = {
        (cell.coordinates["benchmark"], cell.coordinates["algorithm"], cell.coordinates["mask"])
        for cell in cells
    }
    masks = {mask for name, algorithm, mask in found if (name, algorithm) == ("panx", "taylor")}
    assert masks == {"shared", "eng-Latn", "swh-Latn", "hin-Deva"}
    assert {algorithm for _, algorithm, _ in found} == {
        "taylor",
        "magnitude",
        "random",
        "l0",
        "movement",
    }
    # a seed: dense, 5 x 3 shared, 3 x 3 alone; of the second task dense, 2 shared, 3 alone
    assert len(cells) == 3 * (1 + 15 + 9 + 1 + 2 + 3)
    assert len({n for names in shared_prefixes(cells).values() for n in names.values()}) == 3 * 2
