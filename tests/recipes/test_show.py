import pytest
import yaml

from tinyglot.recipes import annotated_yaml, builtin_recipes, parse_recipe, read_recipe
from tinyglot.recipes.show import recipe_yaml

GIVEN = {
    "model": "m",
    "languages": ["sw"],
    "text": {"no": "a.txt"},
    "steps": [{"method": "layer_dropping", "num_layers": 4}],
    "export": {"int8": True},
}


def test_what_nobody_gave_is_marked_as_default():
    lines = annotated_yaml(parse_recipe(GIVEN))
    assert "model: m" in lines
    assert "seed: 0  # default" in lines
    assert "- method: layer_dropping" in lines
    assert "  num_layers: 4" in lines
    assert "  strategy: stride  # default" in lines
    assert lines[lines.index("export:") :][:3] == [
        "export:",
        "  format: onnx  # default",
        "  int8: true",
    ]
    assert "measure: null  # default" in lines


def test_codes_are_shown_resolved():
    lines = annotated_yaml(parse_recipe(GIVEN))
    assert lines[lines.index("languages:") + 1] == "- swh-Latn"


@pytest.mark.parametrize("recipe", [parse_recipe(GIVEN), *map(read_recipe, builtin_recipes())])
def test_both_ways_of_writing_read_back_as_the_same_recipe(recipe):
    assert parse_recipe(yaml.safe_load("\n".join(annotated_yaml(recipe)))) == recipe
    assert parse_recipe(yaml.safe_load(recipe_yaml(recipe))) == recipe


def test_a_long_path_stays_on_its_line():
    path = "a long path/" * 30
    assert f"model: {path}" in recipe_yaml(parse_recipe({"model": path})).splitlines()
