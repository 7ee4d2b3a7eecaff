"""What a command gives in place of a recipe's values."""

import pytest
import yaml

from tests.cli.console import problem, run
from tests.recipes.jobs import recipe, write_inputs
from tinyglot.errors import RecipeError
from tinyglot.recipes import Overrides, read_recipe
from tinyglot.recipes.overrides import override

TRIM = {"method": "vocabulary_trimming"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


def write(directory, content):
    path = directory / "mine.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def test_nothing_given_changes_nothing():
    content = recipe_content = {"model": "m", "languages": ["sw"], "steps": [TRIM], "seed": 3}
    assert override(content, Overrides()) == (recipe_content, [])
    assert read_recipe("elastic", Overrides()) == read_recipe("elastic")


def test_every_value_is_set_and_the_file_stays_as_it_is(inputs, tmp_path):
    path = write(tmp_path, recipe(inputs))
    before = path.read_text(encoding="utf-8")
    text = tmp_path / "some.txt"
    text.write_text("a\n", encoding="utf-8")
    given = Overrides("other", ("sk", "mlt"), (f"sk={text}", f"mt={text}"), ("data",), None, 7)
    found = read_recipe(path, given)
    assert (found.model, found.seed, found.data) == ("other", 7, "data")
    assert found.languages == ("slk-Latn", "mlt-Latn")
    assert found.text == {"slk-Latn": (str(text),), "mlt-Latn": (str(text),)}
    assert path.read_text(encoding="utf-8") == before


def test_made_text_goes_with_the_language_and_real_text_does_not():
    made = {"languages": ["sw"], "text": {"sw": "synthetic:ner"}}
    assert override(made, Overrides(languages=("fr",)))[0]["text"] == {"fra-Latn": "synthetic:ner"}
    real = {"languages": ["sw", "fr"], "text": {"swa": "a.txt", "fr": ["b.txt"]}}
    assert override(real, Overrides(languages=("fr", "de")))[0]["text"] == {"fra-Latn": ["b.txt"]}


def test_data_of_a_task_go_to_that_task():
    content = {"downstream": {"tasks": {"topic": {"num_epochs": 2}}}}
    changed, mistakes = override(content, Overrides(data=("topic=a=b", "pos=c")))
    assert changed["downstream"]["tasks"] == {
        "topic": {"num_epochs": 2, "data": "a=b"},
        "pos": {"data": "c"},
    }
    assert (mistakes, content) == ([], {"downstream": {"tasks": {"topic": {"num_epochs": 2}}}})


def test_an_entry_of_the_catalogue_is_no_task():
    assert override({"task": "ner"}, Overrides(data=("panx=DIR",)))[0]["data"] == "panx=DIR"


def test_all_mistakes_are_told_at_once():
    given = Overrides(languages=("zzzq",), text=("nowhere",), data=("topic=x",), steps=3)
    with pytest.raises(RecipeError, match=r"Could not read elastic: 4 mistakes\.") as caught:
        read_recipe("elastic", given)
    lines = dict(line.split(": ", 1) for line in caught.value.got.splitlines())
    assert lines["--language"].endswith("(got 'zzzq'; tinyglot ls languages)")
    assert lines["--text"].endswith("(got nowhere; check --text)")
    assert lines["--data"] == "the recipe has no section downstream (got topic=x)"
    assert lines["--steps"] == "no step of the recipe trains on text (got 3)"
    assert caught.value.fix.startswith("correct the options, or edit the file")


def test_mistakes_of_the_file_stand_beside_those_of_the_options(tmp_path):
    path = write(tmp_path, {"modle": "m", "steps": [TRIM]})
    with pytest.raises(RecipeError, match=r"3 mistakes[\s\S]*did you mean 'model'[\s\S]*--steps"):
        read_recipe(path, Overrides(steps=3))


def test_data_without_a_task_are_refused_where_tasks_have_their_own():
    content = {"model": "m", "downstream": {"tasks": {"topic": {}}}}
    assert override(content, Overrides(data=("x",)))[1] == [
        "--data: say of which task, such as topic=x (got x)"
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"steps": 5}, r"steps: Input should be a valid tuple"),
        ({"languages": 5}, r"languages: Input should be a valid tuple"),
        ({"downstream": {"tasks": 5}}, r"downstream\.tasks: Input should be a valid dictionary"),
        ({"downstream": {"tasks": {"topic": 5}}}, r"downstream\.tasks\.topic: "),
    ],
)
def test_values_of_a_wrong_kind_are_told_of_as_without_options(content, line, inputs, tmp_path):
    path = write(tmp_path, {"model": "m", **content})
    given = Overrides(text=(str(inputs / "sw.txt"),), data=("topic=x",), steps=3, seed=1)
    with pytest.raises(RecipeError, match=line):
        read_recipe(path, given)


def test_a_section_whose_tasks_are_left_empty_takes_data():
    changed, mistakes = override({"downstream": {"tasks": None}}, Overrides(data=("pos=c",)))
    assert (changed, mistakes) == ({"downstream": {"tasks": {"pos": {"data": "c"}}}}, [])


# --- commands -----------------------------------------------------------------------------------


def test_show_and_validate_take_the_same_options(inputs, tmp_path):
    path = write(tmp_path, recipe(inputs))
    shown = run("recipe", "show", path, "--seed", 5, "--language", "sw")
    assert (shown.code, "seed: 5\n" in shown.out) == (0, True)
    valid = run("recipe", "validate", path, "--text", inputs / "sw.txt")
    assert (valid.code, valid.err.strip()) == (0, f"{path}: valid, 4 step(s)")
    found = problem("recipe", "validate", path, "--text", tmp_path / "gone.txt")
    assert str(tmp_path / "gone.txt") in found["got"]


def test_the_values_are_in_the_run_directory(inputs, tmp_path):
    path = write(tmp_path, recipe(inputs, steps=[TRIM]) | {"model": "nothing-there"})
    out = tmp_path / "run"
    ended = run("run", path, "--model", inputs / "model", "--seed", 4, "--out", out, "--json")
    assert ended.code == 0, ended.err
    kept = yaml.safe_load((out / "recipe.yaml").read_text(encoding="utf-8"))
    assert (kept["model"], kept["seed"]) == (str(inputs / "model"), 4)
