import itertools

import pytest
import yaml

from tests.studies.tiny_study import CONTENT, content, grid
from tests.test_static import yaml_files
from tinyglot.errors import DataNotFoundError, StudyError
from tinyglot.methods import fine_tuning, magnitude_pruning
from tinyglot.recipes import parse_recipe
from tinyglot.studies import builtin_studies, copy_grid, expand, parse_grid, read_grid
from tinyglot.studies.cells import key_of, public_recipe
from tinyglot.studies.names import public_name

BOTH = {"both": ["swh-Latn", "deu-Latn"], "swh-Latn": ["swh-Latn"]}
VARIANTS = ["exclude", "include"]


def mistakes(found: dict) -> list[str]:
    with pytest.raises(StudyError, match=r"Could not use .+: \d+ mistakes?\.") as caught:
        expand(parse_grid(found))
    return caught.value.got.splitlines()


def coordinates(found) -> list[tuple]:
    names = ("languages", "sparsity", "embeddings", "seed")
    return [tuple(cell.coordinates[name] for name in names) for cell in expand(found)]


# --- what there is ------------------------------------------------------------------------------


def test_every_combination_is_a_cell_and_both_variants_share_the_dense_one():
    assert coordinates(grid(embeddings=VARIANTS, seed=[0, 1])) == [
        ("swh-Latn", sparsity, embeddings, seed)
        for seed in (0, 1)
        for sparsity, embeddings in ((0.0, None), (0.5, "exclude"), (0.5, "include"))
    ]


def test_a_cell_without_sparsity_is_plain_fine_tuning_with_the_same_options():
    dense, sparse = (cell.recipe.steps[0] for cell in expand(grid()))
    assert (dense.method, sparse.method) == ("fine_tuning", "magnitude_pruning")
    shared = set(type(dense).model_fields) - {"method", "tuning", "lora", "bottleneck"}
    assert len(shared) > 15
    assert dense.chosen_tuning is None
    assert {name: getattr(dense, name) for name in shared} == {
        name: getattr(sparse, name) for name in shared
    }
    assert (dense.batch_size, sparse.sparsity, sparse.start_step) == (8, 0.5, 2)


def test_cells_of_a_group_name_the_dense_one_that_they_share_steps_with():
    cells = expand(grid(languages=BOTH, sparsity=[0.0, 0.5, 0.9], seed=[0, 1]))
    groups = itertools.groupby(cells, key=lambda cell: cell.group)
    listed = [[cell.is_dense for cell in group] for _, group in groups]
    assert listed == [[True, False, False]] * 4


def test_more_than_one_language_is_the_multilingual_setting():
    cells = expand(grid(languages=BOTH))
    settings = {cell.coordinates["languages"]: cell.coordinates["setting"] for cell in cells}
    assert settings == {"both": "multilingual", "swh-Latn": "monolingual"}
    assert cells[0].recipe.languages == ("swh-Latn", "deu-Latn")


def test_a_restriction_holds_for_the_named_values_alone():
    found = {**content(languages=BOTH, seed=[0, 1]), "only": [{"languages": ["both"], "seed": [1]}]}
    assert {(c[0], c[3]) for c in coordinates(parse_grid(found))} == {
        ("both", 1),
        ("swh-Latn", 0),
        ("swh-Latn", 1),
    }


def test_an_axis_without_a_column_of_its_own_is_named_beside_the_method():
    cells = expand(grid(sparsity=[0.5], ramp=["cubic", "linear"], num_epochs=[2]))
    methods = [cell.coordinates["method"] for cell in cells]
    assert methods == ["magnitude_pruning ramp=cubic", "magnitude_pruning ramp=linear"]


def test_an_axis_that_follows_from_the_languages_needs_no_name():
    found = content(languages=BOTH, sparsity=[0.5], batch_size=[4, 8])
    found["only"] = [
        {"languages": ["both"], "batch_size": [8]},
        {"languages": ["swh-Latn"], "batch_size": [4]},
    ]
    cells = expand(parse_grid(found))
    assert {cell.coordinates["method"] for cell in cells} == {"magnitude_pruning"}
    assert [cell.recipe.steps[0].batch_size for cell in cells] == [8, 4]


def test_zero_sparsity_through_the_pruning_code_is_a_cell_beside_the_dense_one():
    found = content(method=["fine_tuning", "magnitude_pruning"])
    found["recipe"]["steps"] = [{**found["recipe"]["steps"][0], "allow_no_effect": True}]
    found["only"] = [{"method": ["fine_tuning"], "sparsity": [0.0]}]
    cells = expand(parse_grid(found))
    named = [(c.coordinates["method"], c.coordinates["sparsity"]) for c in cells]
    assert named == [("fine_tuning", 0.0), ("magnitude_pruning", 0.0), ("magnitude_pruning", 0.5)]
    assert [cell.recipe.steps[0].method for cell in cells] == [
        "fine_tuning",
        *["magnitude_pruning"] * 2,
    ]
    assert len({cell.group for cell in cells}) == 1


def test_models_and_seeds_are_axes_of_the_recipe():
    cells = expand(grid(model=["a", "b"], seed=[3], sparsity=[0.0]))
    assert [(cell.recipe.model, cell.recipe.seed) for cell in cells] == [("a", 3), ("b", 3)]


# --- keys ---------------------------------------------------------------------------------------


def test_keys_are_the_same_wherever_the_data_lie(tmp_path):
    places = ("panx", "panx=elsewhere", "../far/panx", str(tmp_path / "panx"))
    (tmp_path / "panx").mkdir()
    found = [{**CONTENT["recipe"], "data": place, "steps": []} for place in places]
    assert len({key_of(parse_recipe(recipe)) for recipe in found}) == 1
    assert key_of(parse_recipe({**found[0], "data": "wikigoldsk"})) != key_of(
        parse_recipe(found[0])
    )


def test_keys_are_those_of_the_content():
    cells = expand(grid(seed=[0, 1], sparsity=[0.0, 0.5, 0.7]))
    assert len({cell.key for cell in cells}) == len(cells) == 6
    assert [cell.key for cell in expand(grid(seed=[0, 1], sparsity=[0.0, 0.5, 0.7]))] == [
        cell.key for cell in cells
    ]
    assert all(len(cell.key) == 16 and int(cell.key, 16) >= 0 for cell in cells)


def test_an_option_that_is_off_does_not_count():
    plain, given = content(), content()
    given["recipe"]["steps"] = [{**given["recipe"]["steps"][0], "regrowth": False}]
    given["recipe"]["export"] = None
    assert [c.key for c in expand(parse_grid(plain))] == [c.key for c in expand(parse_grid(given))]


@pytest.mark.parametrize("changed", ["fine_tuning", "magnitude_pruning"])
def test_another_version_of_a_method_changes_the_keys_of_its_cells_alone(changed, monkeypatch):
    before = expand(grid())
    module = {"fine_tuning": fine_tuning, "magnitude_pruning": magnitude_pruning}[changed]
    monkeypatch.setattr("tinyglot.studies.cells.get_method", raised(module.METHOD))
    same = {
        old.recipe.steps[0].method
        for old, new in zip(before, expand(grid()), strict=True)
        if old.key == new.key
    }
    assert same == {"fine_tuning", "magnitude_pruning"} - {changed}


def raised(method):
    """The registry, with a newer version of one method."""
    from dataclasses import replace

    from tinyglot.methods.registry import get_method

    newer = replace(method, version=method.version + 1)
    return lambda name: newer if name == method.name else get_method(name)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("panx", "panx"),
        ("panx=some/where", "panx"),
        ("synthetic:ner", "synthetic:ner"),
        ("bundled:multilingual-e5-small", "bundled:multilingual-e5-small"),
        ("org/some-data", "org/some-data"),
        ("org/some-data@0123abc", "org/some-data@0123abc"),
        ("/somewhere/else/panx-v2", "panx-v2"),
        ("../data/panx-v2/", "panx-v2"),
        ("~/panx-v2", "panx-v2"),
        ("work/data/panx-v2", "panx-v2"),
    ],
)
def test_public_names_are_decided_by_the_text_alone(source, name):
    assert public_name(source) == name


def test_keys_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    found = content(sparsity=[0.5])
    found["recipe"]["data"] = "panx"
    (before,) = expand(parse_grid(found))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "panx").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    (after,) = expand(parse_grid(found))
    assert (after.key, public_recipe(after.recipe)["data"]) == (before.key, "panx")


def test_a_model_of_this_machine_is_named_without_its_place():
    cells = [expand(grid(model=[f"{place}/model"]))[0] for place in ("/a", "/b/c", "..")]
    assert len({cell.key for cell in cells}) == 1
    assert {cell.coordinates["model"] for cell in cells} == {"model"}
    assert cells[0].recipe.model == "/a/model"
    assert public_recipe(cells[0].recipe)["model"] == "model"


def test_models_of_one_name_are_not_an_axis():
    assert "axes.model: /b/model has the same name as /a/model" in mistakes(
        content(model=["/a/model", "/b/model"])
    )


def test_the_order_of_a_set_is_part_of_the_key_but_two_orders_are_no_axis():
    orders = {"one": ["swh-Latn", "deu-Latn"], "two": ["deu-Latn", "swh-Latn"]}
    keys = {expand(grid(languages={"set": tags}))[0].key for tags in orders.values()}
    assert len(keys) == 2
    line = "axes.languages.two: the same languages as one, in another order"
    assert mistakes(content(languages=orders)) == [line]


def test_a_dense_cell_names_no_axis_of_pruning():
    axes = {"learning_rate": [0.1, 0.2], "ramp": ["cubic", "linear"]}
    cells = expand(grid(**axes))
    dense = [cell.coordinates["method"] for cell in cells if cell.is_dense]
    assert dense == [f"magnitude_pruning learning_rate={rate}" for rate in (0.1, 0.2)]
    sparse = {cell.coordinates["method"] for cell in cells if not cell.is_dense}
    assert sparse == {f"{name} ramp={ramp}" for name in dense for ramp in ("cubic", "linear")}


# --- contradictions -----------------------------------------------------------------------------


def test_all_mistakes_are_said_at_once():
    found = content(
        languages={"one": ["sw"], "two": ["swh-Latn"]},
        sparsity=[0.5, 1.5],
        learning_rte=[0.1],
        seed=[-1],
    )
    found["only"] = [{"langs": ["one"], "seed": [-1]}, {"languages": ["three"], "seed": [7]}]
    lines = mistakes(found)
    assert lines[:4] == [
        "axes.languages.two: the same languages as one",
        "only.0.langs: no such axis, did you mean 'languages'?",
        "only.1.languages: three is not on the axis",
        "only.1.seed: 7 is not on the axis",
    ]
    assert (
        "axes.learning_rte: neither the recipe nor a step has this option, did you mean "
        "'learning_rate'? (steps: magnitude_pruning)"
    ) in lines
    assert "recipe.seed: Input should be greater than or equal to 0 (got -1)" in lines
    wrong = "recipe.steps.0.magnitude_pruning.sparsity: Input should be less than 1 (got 1.5)"
    assert wrong in lines
    assert len(lines) == 7


@pytest.mark.parametrize("axis", ["sparsity", "embeddings"])
def test_an_axis_of_pruning_needs_a_step_that_prunes(axis):
    values = {"sparsity": [0.5], "embeddings": VARIANTS}[axis]
    found = content(**{"sparsity": None, axis: values})
    found["recipe"]["steps"] = [{"method": "fine_tuning"}]
    (line,) = mistakes(found)
    assert line.startswith(f"axes.{axis}: neither the recipe nor a step has this option")
    assert line.endswith("(steps: fine_tuning)")


def test_an_axis_that_two_steps_have_is_not_clear():
    found = content(sparsity=None, learning_rate=[0.1, 0.2])
    found["recipe"]["steps"] = [{"method": "fine_tuning"}, {"method": "fine_tuning"}]
    assert mistakes(found) == [
        "axes.learning_rate: several steps have this option (steps: fine_tuning, fine_tuning)"
    ]


def test_plain_training_with_sparsity_is_a_contradiction():
    (line,) = mistakes(content(method=["fine_tuning", "magnitude_pruning"]))
    wanted = "axes.sparsity: fine_tuning has no sparsity (got 0.5); restrict it with only"
    assert line == wanted


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "Tiny!"}, "name: String should match pattern"),
        ({"paper": {}}, "paper: unknown key (got {})"),
        ({"axis": {}}, "axis: unknown key, did you mean 'axes'?"),
        ({"axes": {"seed": [0, 1, 0]}}, "axes.seed: given more than once: 0"),
        ({"axes": {"seed": []}}, "axes.seed: Tuple should have at least 1 item"),
        ({"axes": {"languages": {"x": ["swahilli"]}}}, "axes.languages.x.0: no such language"),
        ({"axes": {"languages": {"x": []}}}, "axes.languages.x: Value should have at least 1 item"),
        ({"only": [{"seed": [0]}]}, "only.0: Dictionary should have at least 2 items"),
        ({"measured": {"machine": "x"}}, "measured.seconds_per_step: Field required"),
    ],
)
def test_a_grid_says_what_is_wrong_with_it(changes, line):
    assert mistakes({**content(), **changes})[0].startswith(line)


def test_restrictions_that_leave_nothing_are_a_mistake():
    found = content(seed=[0, 1], sparsity=[0.0])
    found["only"] = [{"sparsity": [0.0], "seed": [0]}, {"seed": [0, 1], "sparsity": [0.0]}]
    assert len(expand(parse_grid(found))) == 1
    found["axes"] |= {"embeddings": ["exclude"]}
    found["only"] = [{"seed": [0], "embeddings": ["exclude"]}]
    assert len(expand(parse_grid(found))) == 2


def test_a_file_that_is_no_mapping_or_has_a_key_twice_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"a study is a mapping, but the file holds list"):
        read_grid(path)
    path.write_text("name: x\nname: y\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"mine.yaml[\s\S]*'name' is given twice[\s\S]*recipe"):
        read_grid(path)


def test_a_name_that_is_none_names_the_nearest():
    with pytest.raises(DataNotFoundError, match=r"imp-smal[\s\S]*did you mean 'imp-small'"):
        read_grid("imp-smal")


# --- built-in studies ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(builtin_studies()))
def test_every_builtin_study_is_valid_and_named_like_its_file(name):
    found = read_grid(name)
    assert (found.name, len(expand(found)) > 0) == (name, True)
    assert found.description


def test_every_grid_in_the_repository_is_valid():
    found = [path for path in yaml_files() if is_grid(yaml.safe_load(path.read_text("utf-8")))]
    assert {path.stem for path in found} >= set(builtin_studies())
    assert [path for path in found if len(expand(read_grid(path))) == 0] == []


def is_grid(content: object) -> bool:
    kinds = ({"recipe", "axes"}, {"cuts", "measure"})
    return isinstance(content, dict) and any(kind <= set(content) for kind in kinds)


def test_the_builtin_studies_have_the_cells_that_they_promise():
    counts = {name: len(expand(read_grid(name))) for name in builtin_studies()}
    # 3 seeds; dense, and 4 or 6 sparsities in 2 variants
    assert counts["imp-small"] == 3 * (1 + 4 * 2) + 2 * 3 * (1 + 2)
    assert counts["imp-panx-monolingual"] == 10 * 3 * (1 + 6 * 2)
    assert counts["imp-panx-multilingual"] == 3 * (1 + 6 * 2)


def test_the_paper_trained_small_data_in_small_batches():
    cells = expand(read_grid("imp-panx-monolingual"))
    sizes = {c.coordinates["languages"]: c.recipe.steps[0].batch_size for c in cells}
    assert {tag for tag, size in sizes.items() if size == 8} == {
        *("swh-Latn", "tel-Telu", "jav-Latn", "yor-Latn")
    }
    assert sizes["eng-Latn"] == 16


def test_a_builtin_study_is_handed_over_as_a_file(tmp_path):
    copy_grid("imp-small", tmp_path / "mine.yaml")
    assert read_grid(tmp_path / "mine.yaml") == read_grid("imp-small")
    with pytest.raises(StudyError, match=r"Could not copy the study[\s\S]*mine\.yaml"):
        copy_grid("imp-small", tmp_path / "mine.yaml")
