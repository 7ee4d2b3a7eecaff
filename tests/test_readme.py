"""The README's Python runs as it stands, and its commands exist with the options it gives."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from tinyglot.cli.app import build_app
from tinyglot.data.synthetic import locate_text

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"README.md has no {language or 'plain'} block"
    return found


def commands():
    lines = [line for block in blocks("") for line in block.splitlines()]
    return [line[line.index("tinyglot ") :] for line in lines if "tinyglot " in line]


@pytest.mark.parametrize("command", commands())
def test_a_command_and_its_options_exist(command):
    name, *rest = shlex.split(command)[1:]
    options = {word for word in rest if word.startswith("--")}
    known = get_command(build_app()).commands[name].params
    assert options <= {option for parameter in known for option in parameter.opts}


def test_the_python_example_runs(tmp_path, monkeypatch):
    text = locate_text("synthetic:ner", "swh-Latn").read_text(encoding="utf-8")
    (tmp_path / "swahili.txt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(blocks("python")[0], names)  # noqa: S102  (the README's own code)
    assert names["model"].config.vocab_size < 10_000
    assert len(names["tokenizer"]) == names["model"].config.vocab_size
