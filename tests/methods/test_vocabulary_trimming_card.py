"""The method card does what it says; its tables are checked by `test_generated`."""

import re
from pathlib import Path

import yaml

import tinyglot.methods.vocabulary_trimming as vocabulary_trimming
from tinyglot.methods.vocabulary_trimming import VocabularyTrimmingConfig

CARD = Path(vocabulary_trimming.__file__).with_name("README.md").read_text("utf-8")


def test_the_recipe_of_the_card_is_valid():
    recipe = yaml.safe_load(re.search(r"```yaml\n(.*?)```", CARD, re.DOTALL)[1])
    configs = [VocabularyTrimmingConfig(**step) for step in recipe["steps"]]
    assert [config.max_vocabulary_size for config in configs] == [20000]
    assert set(recipe["text"]) == set(recipe["languages"]) == {"swh-Latn", "amh-Ethi"}


def test_the_example_of_the_card_prints_what_it_says(capsys):
    pattern = r"```python\n(.*?)```\n\n```text\n(.*?)```"
    code, printed = re.search(pattern, CARD, re.DOTALL).groups()
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  (our own file)
    assert capsys.readouterr().out == printed
