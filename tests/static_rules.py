"""Rules of the house that no linter has: each takes a source text and names what breaks it."""

import ast
import builtins
import re
import statistics
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

ERROR_KEYWORDS = ("got", "expected", "fix")
FORBIDDEN_NAMES = ("utils", "util", "helpers", "helper", "manager", "misc", "common")
VALIDATORS = (
    "field_validator",
    "model_validator",
    "BeforeValidator",
    "AfterValidator",
    "WrapValidator",
)
BUILTIN_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception)
) - {"StopIteration", "AssertionError"}

# Written in pieces, so that this file does not break its own rules.
MACHINE_PATHS = re.compile(
    r"(?<![\w.$}])/(?:" + "home|root|work|Users|mnt|opt" + r")/\w|/tm" + r"p/(?:env|spec)"
)
REGISTRY_HOSTS = re.compile(
    "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "download" + r"\.pytorch\.org"))
    + "|(?:extra-)?index"
    + r"-url|--find"
    + "-links"
)


# --- tests --------------------------------------------------------------------------------------


def banned_comparisons(source: str) -> list[str]:
    """``allclose`` in any spelling: it accepts empty tensors and broadcasts."""
    names = (
        (node.lineno, node.attr if isinstance(node, ast.Attribute) else node.id)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute | ast.Name)
    )
    return [f"{line}: {name}" for line, name in names if name.endswith("allclose")]


def tests_without_assertion(source: str) -> list[str]:
    """Test functions that cannot fail by a wrong value."""
    return [
        f"{function.lineno}: {function.name}"
        for function in _functions(ast.parse(source))
        if function.name.startswith("test_") and not any(map(_asserts, ast.walk(function)))
    ]


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    name = _called_name(node)
    return name in {"raises", "warns"} or name.lstrip("_").startswith("assert_")


def raises_without_match(source: str) -> list[str]:
    """``pytest.raises`` that would accept another error of the same class."""
    return [
        f"{node.lineno}: pytest.raises without match="
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and _called_name(node) == "raises"
        and not any(keyword.arg == "match" for keyword in node.keywords)
    ]


# --- library ------------------------------------------------------------------------------------


def incomplete_errors(source: str, error_names: frozenset[str]) -> list[str]:
    """Errors of ours that lack the problem, or one of got, expected, fix."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _called_name(node) in error_names:
            keywords = [keyword.arg for keyword in node.keywords]
            missing = [word for word in ERROR_KEYWORDS if word not in keywords]
            if None not in keywords and (missing or not node.args):
                found.append(f"{node.lineno}: {_called_name(node)} without {missing or 'problem'}")
    return found


def bare_builtin_errors(source: str) -> list[str]:
    """``raise ValueError(...)`` and the like, which a user would see without a fix.

    Allowed in pydantic validators, in ``__getattr__``, and where the line says ``caught by …``.
    """
    tree, lines = ast.parse(source), source.splitlines()
    allowed = _validator_functions(tree) | {"__getattr__"}
    return [
        f"{node.lineno}: raise {_raised_name(node)}"
        for node in _builtin_raises(tree, allowed)
        if "caught by " not in lines[node.lineno - 1]
    ]


def _builtin_raises(tree: ast.AST, allowed: set[str]) -> Iterator[ast.Raise]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, Function) and child.name in allowed:
            continue
        if isinstance(child, ast.Raise) and _raised_name(child) in BUILTIN_ERRORS:
            yield child
        yield from _builtin_raises(child, allowed)


def _validator_functions(tree: ast.AST) -> set[str]:
    """Functions decorated as validators, or given to ``AfterValidator(...)`` and the like."""
    decorated = {
        function.name
        for function in _functions(tree)
        if any(_called_name(decorator) in VALIDATORS for decorator in function.decorator_list)
    }
    given = {
        argument.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called_name(node) in VALIDATORS
        for argument in node.args
        if isinstance(argument, ast.Name)
    }
    return decorated | given


def _raised_name(node: ast.Raise) -> str:
    target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return target.id if isinstance(target, ast.Name) else ""


def unexplained_ignores(source: str) -> list[str]:
    """A ``type: ignore`` without a code, or without a reason where the code is none."""
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(source.splitlines(), 1)
        if re.search(r"#\s*type:\s*ignore", line)
        and not re.search(r"#\s*type:\s*ignore\[[\w\-, ]+\]\s*(#|\()\s*\S", line)
        and not re.search(r"#\s*type:\s*ignore\[import-(untyped|not-found)\]", line)
    ]


def future_annotations(source: str) -> list[str]:
    """The import that turns annotations into strings and shape checks off."""
    return [
        f"{node.lineno}: from __future__ import annotations"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]


def function_lengths(source: str) -> list[int]:
    """Lines of each function from ``def`` to its end, docstring left out."""
    return [
        function.end_lineno - function.lineno + 1 - _docstring_lines(function)
        for function in _functions(ast.parse(source))
        if function.end_lineno is not None
    ]


def _docstring_lines(function: Function) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


def percentile(lengths: list[int], percent: int) -> float:
    """The value below which ``percent`` per cent of the lengths lie."""
    return statistics.quantiles(lengths, n=100)[percent - 1]


# --- every file ---------------------------------------------------------------------------------


def private_places(text: str) -> list[str]:
    """Paths of one machine and addresses of package registries."""
    return [
        f"{number}: {match.group()}"
        for number, line in enumerate(text.splitlines(), 1)
        for pattern in (MACHINE_PATHS, REGISTRY_HOSTS)
        for match in pattern.finditer(line)
    ]


def vague_names(path: str) -> list[str]:
    """Parts of a path that say nothing."""
    parts = re.split(r"[/_.]", path)
    return [f"{path}: {part}" for part in parts if part in FORBIDDEN_NAMES]


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _called_name(node: ast.AST) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) and isinstance(node, ast.Call) else ""
