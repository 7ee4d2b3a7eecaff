import pytest
import yaml

from tests.recipes.jobs import recipe
from tinyglot.errors import DataNotFoundError, RecipeError
from tinyglot.methods.registry import METHODS
from tinyglot.recipes import (
    builtin_recipes,
    copy_recipe,
    parse_recipe,
    read_recipe,
    recipe_schema,
)

TRIM = {"method": "vocabulary_trimming"}


def write(directory, content):
    path = directory / "mine.yaml"
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(content):
    with pytest.raises(RecipeError, match=r"Could not use the options: \d+ mistakes?\.") as caught:
        parse_recipe(content)
    return caught.value.got.splitlines()


def test_defaults_are_filled_in_and_codes_resolved(tmp_path):
    content = {"model": "m", "languages": ["sw"], "text": {"swa": "a.txt"}, "steps": [TRIM]}
    found = read_recipe(write(tmp_path, content))
    assert found.languages == ("swh-Latn",)
    assert found.text == {"swh-Latn": ("a.txt",)}
    assert (found.seed, found.device, found.evaluate) == (0, "cpu", None)
    assert found.steps[0].coverage == 1.0


# --- every mistake at once ----------------------------------------------------------------------


def test_all_mistakes_are_reported_with_place_value_and_suggestion(tmp_path):
    path = write(
        tmp_path,
        {
            "model": "m",
            "langauges": ["sw"],
            "languages": ["swahilli", "sw", "zzqqx"],
            "text": {"xyz": "a.txt"},
            "seed": -1,
            "evaluate": {"spilt": "dev"},
            "steps": [
                {"method": "vocabulary_triming"},
                {"method": "vocabulary_trimming", "covrage": 1, "max_vocabulary_size": 0},
                {"coverage": 0.5},
                {"method": "fine_tuning", "languages": ["yorubaa"]},
            ],
        },
    )
    with pytest.raises(RecipeError, match=r"Could not read .*mine\.yaml: 11 mistakes\.") as caught:
        read_recipe(path)
    lines = dict(line.split(": ", 1) for line in caught.value.got.splitlines())
    assert lines["langauges"] == "unknown key, did you mean 'languages'? (got [\"sw\"])"
    assert lines["languages.0"].startswith("no such language, did you mean swh-Latn (Swahili)")
    assert lines["languages.2"] == 'no such language, see `tinyglot ls languages` (got "zzqqx")'
    assert lines["text.xyz"].endswith('(got "xyz")')
    assert lines["seed"] == "Input should be greater than or equal to 0 (got -1)"
    assert lines["evaluate.spilt"] == "unknown key, did you mean 'split'? (got \"dev\")"
    unknown = "unknown method 'vocabulary_triming', did you mean 'vocabulary_trimming'?"
    assert lines["steps.0"].startswith(unknown)
    assert lines["steps.1.vocabulary_trimming.covrage"].startswith(
        "unknown key, did you mean 'coverage'?"
    )
    assert lines["steps.1.vocabulary_trimming.max_vocabulary_size"].endswith("(got 0)")
    assert lines["steps.2"].startswith(f"no method; it is one of {', '.join(METHODS)}")
    assert "yor-Latn (Yoruba)" in lines["steps.3.fine_tuning.languages.0"]
    assert caught.value.fix == f"edit the file, then `tinyglot recipe validate {path}`"


def test_a_mistake_that_only_follows_from_another_is_left_out():
    given = {"model": "m", "measure": {"batch": ["many"], "length": [0]}}
    assert [line.split(":")[0] for line in mistakes(given)] == [
        "measure.batch.0",
        "measure.length.0",
    ]


def test_a_missing_key_is_named():
    assert mistakes({"steps": [TRIM]}) == [
        'model: Field required (got {"steps": [{"method": "vocabulary_trimming"}]})'
    ]


def test_a_long_value_is_cut():
    (line,) = mistakes({"model": "m", "nonsense": "x" * 500})
    assert line.startswith("nonsense: unknown key (got ")
    assert len(line) < 100


def test_steps_in_the_wrong_order_are_reported_with_the_rest(monkeypatch):
    from dataclasses import replace

    from tinyglot.methods.registry import get_method
    from tinyglot.recipes import mistakes as module

    def with_order(name):
        must_precede = ("fine_tuning",) if name == "vocabulary_trimming" else ()
        return replace(get_method(name), must_precede=must_precede)

    monkeypatch.setattr(module, "get_method", with_order)
    steps = [{"method": "fine_tuning"}, {"method": "layer_dropping", "num_layers": 0}, TRIM]
    lines = mistakes({"model": "m", "steps": steps})
    assert lines[-1] == "steps.2.vocabulary_trimming: must come before fine_tuning"
    assert lines[0].startswith("steps.1.layer_dropping.num_layers")
    assert len(mistakes({"model": "m", "steps": steps[::2]})) == 1
    assert parse_recipe({"model": "m", "steps": [TRIM, {"method": "fine_tuning"}]}).model == "m"


def test_nothing_may_follow_a_method_that_must_be_last():
    last = {"method": "dynamic_sparsification"}
    drop = {"method": "layer_dropping", "num_layers": 1}
    assert mistakes({"model": "m", "steps": [last, drop]}) == [
        "steps.0.dynamic_sparsification: must be the last step, later ones undo what it made"
    ]
    assert parse_recipe({"model": "m", "steps": [drop, last]}).model == "m"


def test_two_codes_of_one_language_are_not_merged():
    both = {"sw": "a.txt", "swa": "b.txt"}
    assert mistakes({"model": "m", "text": both})[0].startswith(
        "text: two of the keys are codes of the same language"
    )
    assert mistakes({"model": "m", "languages": ["sw", "swa"]})[0].startswith(
        "languages: given more than once: swh-Latn"
    )


def test_a_branch_is_no_revision():
    assert mistakes({"model": "m", "revision": "main"})[0].startswith("revision: ")


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model: [m",
            r"not a YAML file in UTF-8\.\n +got: +line 1, column 10: expected ',' or '\]'",
        ),
        ("model: m\nseed: 1\nmodel: n\n", r"line 3, column 1: the key 'model' is given twice"),
        ("steps:\n- {method: a, method: b}\n", r"line 2, column 15: the key 'method' is given"),
        ("", r"1 mistake\.\n +got: +a recipe is a mapping, but the file holds nothing"),
        ("- model: m\n", r"the file holds list"),
        ("model: !!python/object:os.system {}\n", r"could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(write(tmp_path, text))


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_bytes("model: é".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"not a YAML file in UTF-8\.\n.*can't decode byte 0xe9"):
        read_recipe(tmp_path / "mine.yaml")


def test_no_is_norwegian(tmp_path):
    path = write(tmp_path, "model: m\nlanguages: [no]\ntext:\n  no: a.txt\n")
    assert read_recipe(path).languages == read_recipe(path).languages
    assert list(read_recipe(path).text) == list(read_recipe(path).languages)


def test_true_and_false_are_booleans(tmp_path):
    text = "model: m\nsteps:\n- {method: vocabulary_trimming, allow_no_effect: True}\n"
    assert read_recipe(write(tmp_path, text)).steps[0].allow_no_effect is True


def test_there_is_no_such_recipe(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"got: +dem\n[\s\S]*did you mean 'demo'\?"):
        read_recipe("dem")
    with pytest.raises(DataNotFoundError, match=r"one of: demo[\s\S]*tinyglot ls recipes"):
        read_recipe(tmp_path / "nothing-like-it.yaml")


# --- what comes with tinyglot -------------------------------------------------------------------


@pytest.mark.parametrize("name", builtin_recipes())
def test_every_builtin_recipe_is_valid_and_says_what_it_is(name):
    assert read_recipe(name).steps
    first_line = builtin_recipes()[name].read_text("utf-8").splitlines()[0]
    assert first_line.startswith("# ")


def test_there_are_builtin_recipes():
    assert "demo" in builtin_recipes()


def test_a_copy_reads_as_the_same_recipe(tmp_path):
    copy_recipe("demo", tmp_path / "new" / "mine.yaml")
    assert read_recipe(tmp_path / "new" / "mine.yaml") == read_recipe("demo")
    with pytest.raises(RecipeError, match=r"something in its place[\s\S]*mine\.yaml"):
        copy_recipe("demo", tmp_path / "new" / "mine.yaml")
    with pytest.raises(DataNotFoundError, match="Could not find the recipe"):
        copy_recipe("nothing", tmp_path / "other.yaml")


def test_the_schema_names_every_method_and_its_options():
    schema = recipe_schema()
    assert schema["additionalProperties"] is False
    assert set(METHODS) == set(schema["properties"]["steps"]["items"]["discriminator"]["mapping"])
    trimming = schema["$defs"]["VocabularyTrimmingConfig"]["properties"]
    assert trimming["coverage"]["default"] == 1.0
    assert trimming["coverage"]["description"]


def test_every_option_of_every_recipe_is_described():
    definitions = recipe_schema()["$defs"].values()
    properties = [item for found in definitions for item in found["properties"].items()]
    properties += recipe_schema()["properties"].items()
    assert len(properties) > 30
    assert [
        name for name, value in properties if name != "method" and not value.get("description")
    ] == []


def test_a_job_of_the_tests_is_valid(tmp_path):
    assert len(parse_recipe(recipe(tmp_path)).steps) == 4
