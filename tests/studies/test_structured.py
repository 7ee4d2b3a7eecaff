"""Studies of structured pruning: named values, shared first steps, and what their rows give."""

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.studies.rows_by_hand import record as one_record
from tests.studies.structured_rows import structured_rows
from tests.studies.tiny_study import InThisProcess, write_inputs
from tinyglot.errors import DataFormatError, StudyError
from tinyglot.studies import (
    Choice,
    Store,
    builtin_studies,
    expand,
    parse_grid,
    read_grid,
    run_study,
)
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.page import filed_cells, render_study_page
from tinyglot.studies.prefixes import first_of_prefix, shared_prefixes
from tinyglot.studies.rows import SCHEMA, check_study_rows, read_rows, to_rows
from tinyglot.studies.structured.blocks import differences, main_structured
from tinyglot.studies.structured.findings import judge_structured
from tinyglot.studies.structured.masks import packed, unpacked, with_packed_masks
from tinyglot.studies.tables import render_tables

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


# --- tables, figures and page -------------------------------------------------------------------


def verdicts(rows):
    (block,) = main_structured(rows)
    return {one.name: one.verdict for one in judge_structured(block)}


def test_findings_follow_the_written_criteria():
    assert verdicts(structured_rows()) == {"S1": "holds", "S2": "holds", "S3": "holds"}
    assert verdicts(structured_rows(alone=0.05))["S1"] == "does not hold"
    assert verdicts(structured_rows().filter(seed=0)) == dict.fromkeys(
        ("S1", "S2", "S3"), "cannot be said"
    )


def test_a_difference_is_taken_seed_by_seed_and_each_language_counts_once():
    (block,) = main_structured(structured_rows())
    found = differences(block.side("taylor"), block.side("random"))
    macro = found.filter(language="macro-average")
    assert macro["delta"].to_list() == pytest.approx([0.3])
    assert macro["half_width"].to_list() == pytest.approx([0.0], abs=1e-9)
    against_dense = differences(block.side("taylor"), block.side("dense"))
    assert against_dense["delta"].to_list() == pytest.approx([-0.1] * 3)


def test_tables_have_a_row_for_each_algorithm_and_setting():
    text = render_tables(structured_rows(), TableFormat.markdown)
    assert "| taylor | shared | 85.0 ± 2.5 | 75.0 ± 2.5 |" in text
    assert "| taylor | per language | 85.0 ± 2.5 | 73.0 ± 2.7 |" in text
    assert "| random | shared | 85.0 ± 2.5 | 45.0 ± 2.5 |" in text
    assert "### A mask for each language minus one for all: taylor" in text
    worst = text.partition("### f1: worst language")[2]
    assert "| taylor | shared | 80.0 ± 2.5 | 70.0 ± 2.5 |" in worst


def test_the_page_says_what_holds_and_what_masks_have_in_common(store):
    page = render_study_page(read_rows(store.directory), "", filed_cells(store.directory))
    assert "### Which findings hold: data" in page.text
    assert "too few seeds" in page.text
    assert "### What masks have in common (data)" in page.text
    (line,) = [
        line
        for line in page.text.splitlines()
        if line.startswith("| heads | 50 % | random, shared | taylor, shared | ")
    ]
    assert 0 <= float(line.split("|")[5]) <= 100
    assert -1 <= float(line.split("|")[6]) <= 1
    assert "| FFN neurons | 50 % | l0, shared | taylor, shared | " in page.text
    assert sorted(page.figures) == [
        "structured/algorithms-ner-data.svg",
        "structured/settings-taylor-ner-data.svg",
    ]


@given(st.lists(st.sets(st.integers(0, 40), min_size=1).map(sorted), min_size=1))
def test_masks_are_filed_short_and_read_as_they_were(kept):
    assert unpacked(packed(kept)) == tuple(map(tuple, kept))
    assert with_packed_masks({"kept": kept, "n": 1}) == {"kept": packed(kept), "n": 1}
    assert with_packed_masks({"kept": {"heads": kept}}) == {"kept": {"heads": packed(kept)}}


def test_rows_without_further_coordinates_are_those_of_every_study():
    usual = to_rows([one_record("swh-Latn", 0.5)])
    assert usual.columns == list(SCHEMA)
    with pytest.raises(DataFormatError, match="other columns"):
        check_study_rows(usual.with_columns(pruning_ratio=pl.lit("much")))


# --- XTREME -------------------------------------------------------------------------------------


def test_the_study_of_xtreme_has_nine_tasks_and_runs_with_a_tiny_model(inputs, tmp_path):
    path = builtin_studies()["structured-xtreme"]
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert len(found["axes"]["benchmark"]) == 9
    assert len({one["task"] for one in found["axes"]["benchmark"].values()}) == 6
    found["recipe"] |= {"model": str(inputs / "model"), "languages": ["deu-Latn"]}
    data, tags = str(inputs / "data"), ["swh-Latn", "deu-Latn"]
    panx = found["axes"]["benchmark"]["panx"] | {"data": data, "evaluate": {"languages": tags}}
    found["axes"] |= {"benchmark": {"panx": panx | {"max_length": 64}}, "seed": [0]}
    found["axes"]["mask"] = {"shared": {}}
    found["only"] = found["only"][:1]
    for step in found["recipe"]["steps"]:
        is_training = step["method"] == "fine_tuning"
        step |= {"max_steps": 2, "batch_size": 4} if is_training else {"data": data}
    found["axes"]["algorithm"]["taylor"]["importance_languages"] = tags
    grid = parse_grid(found)
    chosen = [
        cell.key
        for cell in expand(grid)
        if (cell.coordinates["algorithm"], cell.coordinates["pruning_ratio"])
        in {("taylor", 0.0), ("taylor", 0.5)}
    ]
    sitting = run_study(grid, Store(tmp_path), InThisProcess(), Choice(keys=tuple(chosen)))
    assert (sitting.num_finished, sitting.failed) == (2, {})
    assert set(read_rows(tmp_path)["language"]) == set(tags)


def test_a_task_without_training_is_pruned_by_the_sentences_of_another(inputs, tmp_path):
    path = builtin_studies()["structured-xtreme"]
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    pairs, tags = tmp_path / "pairs" / "swh", ["swh-Latn", "deu-Latn"]
    pairs.mkdir(parents=True)
    for name in ("swh", "eng"):
        (pairs / f"{name}.txt").write_text("Amina anasoma kitabu\nNairobi ni mji\n", "utf-8")
    tatoeba = found["axes"]["benchmark"]["tatoeba"] | {"data": str(tmp_path / "pairs")}
    tatoeba |= {"evaluate": {"languages": ["swh-Latn"]}, "task_options": {"layer": 1}}
    for step in tatoeba["steps"]:
        step |= {"data": str(inputs / "data")}
    found["recipe"] |= {"model": str(inputs / "model"), "languages": ["swh-Latn"]}
    algorithm = {"taylor": found["axes"]["algorithm"]["taylor"] | {"importance_languages": tags}}
    found["axes"] = {"algorithm": algorithm, "benchmark": {"tatoeba": tatoeba}}
    found["axes"] |= {"pruning_ratio": [0.0, 0.5]}
    del found["only"]
    store = Store(tmp_path / "out")
    sitting = run_study(parse_grid(found), store, InThisProcess(), Choice())
    assert (sitting.num_finished, sitting.failed) == (2, {})
    rows = read_rows(store.directory)
    assert rows.filter(metric="accuracy")["pruning_ratio"].to_list() == [0.0, 0.5]
