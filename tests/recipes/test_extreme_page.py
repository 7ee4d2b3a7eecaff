"""The commands of docs/how-to/extreme.md: recipes validate with their options, plans are made."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.cli.console import run
from tinyglot.recipes import parse_recipe

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "extreme.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return [block for kind, block in found if kind == language]


def commands():
    lines = [line for block in blocks("") for line in block.splitlines()]
    found = [shlex.split(line)[1:] for line in lines if line.startswith("tinyglot ")]
    assert len(found) >= 7
    return [words for words in found if words[:2] != ["study", "run"]]


def checked(words):
    """`run` takes what `recipe validate` takes, and where to write."""
    if words[0] != "run":
        return words
    place = words.index("--out")
    return ["recipe", "validate", *words[1:place], *words[place + 2 :]]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_is_accepted(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR").mkdir()
    for name in ("swahili.txt", "maltese.txt"):
        (tmp_path / name).write_text("a\n", encoding="utf-8")
    ended = run(*checked(words))
    assert ended.code == 0, ended.err


def test_the_section_of_the_page_is_valid():
    (block,) = blocks("yaml")
    section = parse_recipe({"model": "m", **yaml.safe_load(block)}).downstream
    assert section.stages == ("original", "final")
    assert section.tasks["pos"].num_epochs == 10
