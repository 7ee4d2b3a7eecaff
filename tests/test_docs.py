"""The documentation has a page for everything, and its commands exist with the options it gives."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from tinyglot.cli.app import build_app
from tinyglot.methods.registry import methods
from tinyglot.tasks import tasks

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELLS = ("", "bash", "sh", "console")


def in_navigation(entry) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    parts = entry if isinstance(entry, list) else entry.values()
    return [page for part in parts for page in in_navigation(part)]


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
        for block in (content for language, content in blocks if language in SHELLS):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.stem, line.strip()) for line in lines if "tinyglot " in line]
    assert len(found) > 10, "no commands: the check would be vacuous"
    return found


def test_the_navigation_holds_every_page_and_no_other():
    # what it says about the theme is for mkdocs alone
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    there = {str(page.relative_to(ROOT / "docs")) for page in PAGES}
    assert set(in_navigation(navigation)) == there


@pytest.mark.parametrize("task", [task.id for task in tasks()])
def test_every_task_has_a_page_that_names_its_metrics(task):
    text = (ROOT / "docs" / "tasks" / f"{task}.md").read_text(encoding="utf-8")
    known = next(one for one in tasks() if one.id == task)
    metrics = (*known.metrics, *known.optional_metrics)
    assert [metric.name for metric in metrics if f"`{metric.name}`" not in text] == []


@pytest.mark.parametrize("method", [method.name for method in methods()])
def test_the_card_of_every_method_is_a_page(method):
    page = ROOT / "docs" / "methods" / f"{method}.md"
    card = ROOT / "src" / "tinyglot" / "methods" / method / "README.md"
    assert page.resolve() == card


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_and_its_options_exist(page, command):
    words = shlex.split(command[command.index("tinyglot ") :], comments=True)[1:]
    found = get_command(build_app())
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    options = {word for word in words if word.startswith("--")}
    assert options <= {option for parameter in found.params for option in parameter.opts}, page
