"""Teachers named in recipes: where they are, and mistakes before anything starts."""

import pytest

from tinyglot.errors import MissingInputError, RecipeError, StudyError
from tinyglot.recipes import Run, parse_recipe
from tinyglot.recipes.inputs import check_inputs
from tinyglot.recipes.teachers import teacher_of
from tinyglot.studies import expand, parse_grid
from tinyglot.studies.cell import Cell
from tinyglot.studies.places import placed
from tinyglot.studies.prefixes import shared_prefixes

DROP = {"method": "layer_dropping", "num_layers": 1}


def teach(teacher, **options):
    return {"method": "distillation", "teacher": teacher, **options}


def recipe(*steps):
    return {"model": "m", "languages": ["sw"], "text": {"sw": "a.txt"}, "steps": list(steps)}


def test_a_step_finds_its_teacher(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    (tmp_path / "m" / "model.safetensors").write_text("")
    names = ["original", "step:0", "step:2", "step:layer_dropping", "elsewhere/model", "step:5"]
    content = recipe(DROP, DROP, *map(teach, names))
    run = Run(tmp_path, parse_recipe(content | {"model": str(tmp_path / "m")}))
    found = [teacher_of(run, position) for position in range(8)]
    steps = tmp_path / "steps"
    assert found == [
        *(None, None, str(tmp_path / "m"), str(tmp_path / "m")),
        *[str(steps / "02-layer_dropping" / "checkpoint")] * 2,
        *("elsewhere/model", str(steps / "05-distillation" / "checkpoint")),
    ]


def test_steps_that_are_not_there_are_all_told_of_with_suggestions():
    content = recipe(
        teach("step:layer_dropping"),
        DROP,
        teach("step:layer_droping", objectives=[{"objective": "logit_ms"}]),
        teach("step:4"),
        teach("hidden/step:9"),
    )
    with pytest.raises(RecipeError, match=r"4 mistakes") as caught:
        parse_recipe(content)
    assert caught.value.got.splitlines() == [
        "steps.2.distillation.objectives.0: unknown objective 'logit_ms', did you mean "
        '\'logit_mse\'? (got {"objective": "logit_ms"})',
        "steps.0.distillation.teacher: no earlier step is meant (got 'step:layer_dropping', "
        "expected one of original, step:0, or a checkpoint)",
        "steps.2.distillation.teacher: no earlier step is meant, did you mean "
        "'step:layer_dropping'? (got 'step:layer_droping', expected one of original, "
        "step:distillation, step:layer_dropping, step:0, step:1, step:2, or a checkpoint)",
        "steps.3.distillation.teacher: no earlier step is meant, did you mean 'step:3'? (got "
        "'step:4', expected one of original, step:distillation, step:layer_dropping, step:0, "
        "step:1, step:2, step:3, or a checkpoint)",
    ]


def test_a_teacher_that_is_nowhere_is_told_of_before_the_start(tmp_path):
    (tmp_path / "sw.txt").write_text("habari\n")
    steps = [teach("./nowhere"), teach("owner/name"), teach(str(tmp_path))]
    content = recipe(*steps) | {"text": {"sw": str(tmp_path / "sw.txt")}}
    with pytest.raises(MissingInputError, match=r"1 input\(s\) are missing") as caught:
        check_inputs(parse_recipe(content))
    assert caught.value.got == "steps.0.distillation.teacher: there is no ./nowhere"


def test_keys_of_an_objective_are_suggested_from_its_own():
    content = recipe(teach("original", objectives=[{"objective": "logit_kl", "temprature": 3}, {}]))
    with pytest.raises(RecipeError, match=r"logit_kl\.temprature.*did you mean 'temperature'") as e:
        parse_recipe(content)
    assert e.value.got.splitlines()[1] == "steps.0.distillation.objectives.1: no objective (got {})"


def test_a_step_is_shared_only_if_all_that_its_teacher_comes_from_is_equal():
    contents = [
        recipe(DROP, {**DROP, "strategy": strategy}, teach(teacher))
        for strategy in ("first", "last")
        for teacher in ("step:2", "step:2", "step:1", "original")
    ]
    cells = [
        Cell("s", str(number), {}, parse_recipe(content), "")
        for number, content in enumerate(contents)
    ]
    shared = shared_prefixes(cells)
    assert [sorted(shared[str(number)]) for number in range(8)] == [
        *([0, 1, 2], [0, 1, 2], [0, 1], [0, 1]),
    ] * 2
    assert shared["0"][2] == shared["1"][2] != shared["4"][2]


def test_teachers_of_one_name_are_not_told_apart_by_their_place():
    """Their steps would have one name, so that one cell would go on from the other's student."""

    def study(*teachers):
        values = {str(number): {"teacher": each} for number, each in enumerate(teachers)}
        content = recipe(teach("original"), DROP)
        return parse_grid({"name": "t", "recipe": content, "axes": {"teacher_kind": values}})

    said = r"distillation\.teacher: /b/model has the same name as /a/model"
    with pytest.raises(StudyError, match=said) as caught:
        expand(study("/a/model", "/b/model", "/b/model"))
    assert len(caught.value.got.splitlines()) == 1
    cells = expand(study("/a/model", "/a/other", "original"))
    assert len({cell.key for cell in cells}) == 3


def test_a_study_finds_a_teacher_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("here", "original"):
        (tmp_path / name).mkdir()
    found = placed(parse_recipe(recipe(*map(teach, ("here", "original", "step:1", "a/b")))), {})
    teachers = [step.teacher for step in found.steps]
    assert teachers == [str(tmp_path / "here"), "original", "step:1", "a/b"]
