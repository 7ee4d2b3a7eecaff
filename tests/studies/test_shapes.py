"""Studies of shapes: equal cuts are what they say, and every cut is timed beside the whole."""

import pytest
import yaml

from tests.studies.tiny_study import InThisProcess
from tests.tiny import tiny_checkpoint, tiny_model
from tinyglot.architectures import view
from tinyglot.errors import StudyError
from tinyglot.studies import Choice, Store, builtin_studies, expand, parse_grid, run_study
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.page import describe, filed_cells, render_study_page
from tinyglot.studies.rows import read_rows
from tinyglot.studies.shapes.cuts import Cutter
from tinyglot.studies.shapes.grid import Part
from tinyglot.studies.tables import render_tables
from tinyglot.surgery.counts import count_parameters

CUTS = {"parts": ["ffn", "vocabulary", "width"], "removed": [0.25], "tolerance": 0.06}
PROTOCOL = {"threads": [1], "length": [4, 8], "batch": [1, 2], "max_tokens": 8, "rounds": 3}


def content(model="model", **measure):
    measure = PROTOCOL | measure
    return {"name": "shapes", "model": str(model), "cuts": dict(CUTS), "measure": measure}


@pytest.mark.parametrize("family", ["xlm_roberta", "modernbert", "deberta_v2"])
def test_a_cut_has_the_parameters_that_were_counted(family):
    model = tiny_model(family, "encoder")
    cutter = Cutter(model)
    assert cutter.count(cutter.sizes) == count_parameters(model)
    for part in Part:
        sizes = cutter.plan(part, 0.12, tolerance=99)
        cut = cutter.cut(sizes)
        assert cutter.count(sizes) == count_parameters(cut)
        assert count_parameters(cut).num_parameters < count_parameters(model).num_parameters


def test_a_part_that_cannot_lose_that_many_has_no_cut():
    cutter = Cutter(tiny_model("bert", "encoder"))
    assert cutter.plan(Part.heads, 0.9, tolerance=0.06) is None
    assert cutter.plan(Part.ffn, 0.9, tolerance=0.06) is None
    assert cutter.plan(Part.vocabulary, 0.25, tolerance=0.06) is not None


def test_only_heads_at_an_unchanged_width_are_not_stock():
    model = tiny_model("bert", "encoder")
    cutter = Cutter(model)
    made = {part: cutter.cut(cutter.plan(part, 0.1, tolerance=99)) for part in Part}
    slim = {part for part, cut in made.items() if type(cut).__name__.startswith("Slim")}
    assert slim == {Part.heads, Part.heads_and_ffn}
    assert len(view(made[Part.layers]).layers) < len(view(model).layers)


# --- the study ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shapes") / "model"
    tiny_checkpoint(directory)
    return directory


@pytest.fixture(scope="module")
def store(model, tmp_path_factory):
    """A study of both runtimes that was run cell by cell."""
    store = Store(tmp_path_factory.mktemp("store"))
    grid = parse_grid(content(model))
    first = run_study(grid, store, InThisProcess(), Choice(limit=1))
    assert (first.num_finished, first.failed, first.num_left) == (1, {}, 1)
    second = run_study(grid, store, InThisProcess(), Choice())
    assert (second.num_finished, second.failed, second.num_left) == (1, {}, 0)
    return store


def test_every_cut_is_timed_beside_the_whole_model(store):
    rows = read_rows(store.directory)
    conditions = 2 * 3  # two runtimes; 1 x 4, 1 x 8, 2 x 4: 2 x 8 tokens are too many
    parts = sorted(set(rows["part"]))
    assert "none" in parts
    assert "vocabulary" in parts
    assert len(rows) == conditions * len(parts)
    assert set(rows.filter(part="none")["speedup"]) == {1.0}
    assert set(rows["n"]) == {3}
    assert rows.filter(part="none")["num_parameters"].n_unique() == 1
    whole = rows["num_parameters"].max()
    cut = rows.filter(part="vocabulary")["num_parameters"][0]
    assert 1 - cut / whole == pytest.approx(0.25, rel=0.06)


def test_the_key_of_a_cell_is_what_is_measured_and_not_where_the_model_lies(model):
    keys = [cell.key for cell in expand(parse_grid(content(model)))]
    assert keys == [cell.key for cell in expand(parse_grid(content("/elsewhere/model")))]
    other = expand(parse_grid(content(model, rounds=4)))
    assert not {cell.key for cell in other} & set(keys)
    assert len(set(keys)) == 2


def test_tables_figures_and_page_come_from_the_rows(store, tmp_path):
    rows = read_rows(store.directory)
    text = render_tables(rows, TableFormat.markdown)
    assert "### How many times as fast as the whole model: onnxruntime, 1 thread(s)" in text
    assert "| 25 % | vocabulary | " in text
    assert render_tables(rows, TableFormat.csv).count("\n") == len(rows) + 1
    page = render_study_page(rows, describe(store.directory), filed_cells(store.directory))
    assert "### E1: " in page.text
    assert "2 cells; commit" in page.text
    assert [*page.figures] == [
        f"shapes/small-and-fast-{runtime}-1.svg" for runtime in ("onnxruntime", "torch")
    ]


def test_a_share_that_no_part_can_lose_is_said(model, tmp_path):
    found = content(model)
    found["cuts"] |= {"parts": ["heads"], "removed": [0.9]}
    sitting = run_study(parse_grid(found), Store(tmp_path), InThisProcess(), Choice(limit=1))
    (error,) = sitting.failed.values()
    assert "no part can lose that many parameters" in error
    assert "90.0% of" in error


def test_mistakes_in_a_grid_of_shapes_are_all_said():
    found = content()
    found["cuts"] |= {"parts": ["hands"], "removed": [1.5]}
    with pytest.raises(StudyError, match=r"cuts.parts.0[\s\S]*hands[\s\S]*cuts.removed.0"):
        parse_grid(found)


def test_the_builtin_study_cuts_equally_and_is_capped():
    grid = parse_grid(yaml.safe_load(builtin_studies()["efficiency"].read_text(encoding="utf-8")))
    assert set(grid.cuts.parts) == set(Part)
    assert (32, 512) not in grid.measure.shapes()
    assert {(1, 32), (1, 128), (1, 512), (32, 32), (32, 128)} == set(grid.measure.shapes())
    assert len(expand(grid)) == 8
