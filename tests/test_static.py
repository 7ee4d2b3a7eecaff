import inspect
import shutil
import statistics
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

import tinyglot
from tests import static_rules as rules
from tinyglot import errors

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 400
MAX_MEDIAN_FUNCTION_LINES = 12
MAX_P90_FUNCTION_LINES = 40
MAX_EXPORTS = 25
ERROR_CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.TinyglotError)
}


@cache
def tracked() -> tuple[str, ...]:
    """Files that git would commit, or every file of an unpacked archive."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = listed.stdout.splitlines()
    else:
        names = [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if ".venv" not in path.parts
        ]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def files(folder: str, suffix: str) -> list[Path]:
    found = [ROOT / name for name in tracked() if name.startswith(folder) and name.endswith(suffix)]
    assert found, f"no {suffix} file below {folder or '.'}: the check would be vacuous"
    return found


def broken(rule, paths) -> dict[str, list[str]]:
    found = {str(path.relative_to(ROOT)): rule(path.read_text("utf-8")) for path in paths}
    return {name: mistakes for name, mistakes in found.items() if mistakes}


# --- the tree -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [rules.banned_comparisons, rules.tests_without_assertion, rules.raises_without_match],
    ids=lambda rule: rule.__name__,
)
def test_tests_can_fail(rule):
    assert broken(rule, files("tests/", ".py")) == {}


@pytest.mark.parametrize(
    "rule",
    [rules.bare_builtin_errors, rules.unexplained_ignores, rules.future_annotations],
    ids=lambda rule: rule.__name__,
)
def test_library_keeps_the_rule(rule):
    assert broken(rule, files("src/", ".py")) == {}


def test_every_error_says_problem_got_expected_and_fix():
    names = frozenset(ERROR_CLASSES)

    def rule(source: str) -> list[str]:
        return rules.incomplete_errors(source, names)

    assert broken(rule, files("src/", ".py")) == {}


@pytest.mark.parametrize("name", sorted(set(ERROR_CLASSES) - {"TinyglotError"}))
def test_error_class_is_also_a_builtin_one_and_prints_four_lines(name):
    error_class = ERROR_CLASSES[name]
    assert name.endswith("Error")
    assert any(base.__module__ == "builtins" for base in error_class.__bases__)
    text = str(error_class("Could not.", got=1, expected=2, fix="three"))
    assert text == "Could not.\n  got:      1\n  expected: 2\n  fix:      three"


def test_every_test_folder_is_a_package():
    folders = {path.parent for path in files("tests/", ".py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_test_file_is_missed_by_pytest():
    defining = [path for path in files("tests/", ".py") if "\ndef test_" in path.read_text("utf-8")]
    assert [path.name for path in defining if not path.name.startswith("test_")] == []


def test_no_file_is_long():
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files("", ".py")}
    long = {path.name: length for path, length in lengths.items() if length > MAX_FILE_LINES}
    assert long == {}


def test_functions_are_short():
    sources = [path.read_text("utf-8") for path in files("src/", ".py")]
    lengths = [length for source in sources for length in rules.function_lengths(source)]
    assert statistics.median(lengths) <= MAX_MEDIAN_FUNCTION_LINES
    assert rules.percentile(lengths, 90) <= MAX_P90_FUNCTION_LINES


def test_few_names_are_public():
    assert 0 < len(tinyglot.__all__) <= MAX_EXPORTS


def test_files_have_telling_names():
    assert [mistake for name in tracked() for mistake in rules.vague_names(name)] == []


def test_no_file_names_a_machine_or_a_registry():
    texts = [ROOT / name for name in tracked() if _is_text(ROOT / name)]
    assert len(texts) > 30
    assert broken(rules.private_places, texts) == {}


def _is_text(path: Path) -> bool:
    return b"\0" not in path.read_bytes()[:8192]


# --- YAML ---------------------------------------------------------------------------------------


def yaml_files() -> list[Path]:
    return [ROOT / name for name in tracked() if name.endswith((".yaml", ".yml"))]


def test_every_yaml_file_can_be_read():
    contents = [yaml.safe_load(path.read_text("utf-8")) for path in yaml_files()]
    assert len(contents) > 0
    assert None not in contents


def test_every_recipe_is_valid():
    from tinyglot.recipes import read_recipe

    found = [path for path in yaml_files() if "recipes" in path.parts]
    assert len(found) > 0
    assert [path.name for path in found if not read_recipe(path).model] == []


# --- each rule finds what it is for -------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.banned_comparisons, "assert torch.allclose(a, b)"),
        (rules.banned_comparisons, "np.testing.assert_allclose(a, b)"),
        (rules.banned_comparisons, "from torch import allclose\nassert allclose(a, b)"),
        (rules.tests_without_assertion, "def test_x():\n    run()"),
        (rules.tests_without_assertion, "class TestX:\n    def test_x(self):\n        print(1)"),
        (rules.raises_without_match, "with pytest.raises(ValueError):\n    run()"),
        (rules.bare_builtin_errors, "def f():\n    raise ValueError('no')"),
        (rules.bare_builtin_errors, "def f():\n    if x:\n        raise KeyError"),
        (rules.unexplained_ignores, "x = 1  # type: ignore"),
        (rules.unexplained_ignores, "x = 1  # type: ignore[arg-type]"),
        (rules.future_annotations, "from __future__ import annotations"),
        (rules.private_places, "see /ho" + "me/someone/data"),
        (rules.private_places, "path = '/wo" + "rk/shared/data'"),
        (rules.private_places, "https://py" + "pi.org/simple"),
        (rules.vague_names, "src/tinyglot/text_utils.py"),
        (lambda source: rules.incomplete_errors(source, frozenset({"E"})), "E('no', got=1)"),
        (
            lambda source: rules.incomplete_errors(source, frozenset({"E"})),
            "errors.E(got=1, expected=2, fix=3)",
        ),
    ],
)
def test_rule_finds_the_mistake(rule, source):
    assert len(rule(source)) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.tests_without_assertion, "def test_x():\n    assert_parity(a, b)"),
        (rules.tests_without_assertion, "def test_x():\n    with pytest.raises(E, match='x'): f()"),
        (rules.raises_without_match, "with pytest.raises(E, match='x'):\n    f()"),
        (rules.bare_builtin_errors, "@field_validator('x')\ndef f(x):\n    raise ValueError('no')"),
        (
            rules.bare_builtin_errors,
            "def f(x):\n    raise ValueError('no')\nCode = Annotated[str, AfterValidator(f)]",
        ),
        (rules.bare_builtin_errors, "def __getattr__(name):\n    raise AttributeError(name)"),
        (rules.bare_builtin_errors, "def f():\n    raise EOFError('end')  # caught by read_all"),
        (rules.unexplained_ignores, "import x  # type: ignore[import-untyped]"),
        (rules.bare_builtin_errors, "try:\n    f()\nexcept E as error:\n    raise error"),
        (rules.unexplained_ignores, "x = 1  # type: ignore[misc]  # stubs lack it"),
        (
            rules.private_places,
            "runs/home/x and ${ROOT}" + "/wor" + "k/x and https://example.org/home/x",
        ),
        (rules.vague_names, "src/tinyglot/text.py"),
        (
            lambda source: rules.incomplete_errors(source, frozenset({"E"})),
            "E('no', got=1, expected=2, fix=3)",
        ),
    ],
)
def test_rule_lets_the_right_thing_pass(rule, source):
    assert rule(source) == []


def test_function_length_leaves_the_docstring_out():
    source = 'def f():\n    """One.\n\n    Two.\n    """\n    x = 1\n    return x\n'
    assert rules.function_lengths(source) == [3]
