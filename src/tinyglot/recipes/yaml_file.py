"""Reading YAML strictly: no key twice, and `no` is the code of Norwegian, not a boolean."""

import difflib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from tinyglot.errors import DataNotFoundError, RecipeError

_BOOLEAN = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """A safe loader with the booleans of YAML 1.2."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401, FBT001, FBT002  (as in yaml)
        """Refuse a mapping in which a key comes twice.

        Args:
            node: Of the YAML.
            deep: As in yaml.

        Returns:
            The mapping.

        Raises:
            ConstructorError: If a key comes twice.
        """
        keys: set[str] = set()
        for key, _ in getattr(node, "value", ()):
            if key.value in keys and isinstance(key.value, str):
                problem = f"the key {key.value!r} is given twice"
                raise ConstructorError(None, None, problem, key.start_mark)
            keys.add(str(key.value))
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("^(?:true|false)$", re.IGNORECASE), list("tTfF"))


def read_yaml(path: Path) -> Any:  # noqa: ANN401  (any YAML)
    """Read a YAML file.

    Args:
        path: Of a UTF-8 file.

    Returns:
        What it holds.

    Raises:
        RecipeError: If it is not YAML, not UTF-8, or gives a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"Could not read {path.name}: not a YAML file in UTF-8.",
            got=_first_line(error),
            expected="a mapping with the keys of `tinyglot recipe schema`",
            fix=f"edit the file, then `tinyglot recipe validate {path}`",
        ) from error


def _first_line(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {getattr(error, 'problem', error)}"


def builtin_files(package: str) -> dict[str, Path]:
    """List the YAML files that come with a package, in its folder ``builtin``.

    Args:
        package: Such as ``tinyglot.recipes``.

    Returns:
        File by name, sorted.
    """
    folder = Path(str(resources.files(package))) / "builtin"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_file(source: str | Path, known: Mapping[str, Path], what: str, otherwise: str) -> Path:
    """Find a file by its path or by the name of one that comes with tinyglot.

    Args:
        source: A YAML file, or a name.
        known: Files by name.
        what: What it is, such as ``recipe``.
        otherwise: What to do where no name is near.

    Returns:
        The path of the file.

    Raises:
        DataNotFoundError: If there is neither.
    """
    if Path(source).is_file():
        return Path(source)
    if str(source) in known:
        return known[str(source)]
    near = difflib.get_close_matches(str(source), known, n=1)
    raise DataNotFoundError(
        f"Could not find the {what}.",
        got=source,
        expected=f"a YAML file, or one of: {', '.join(known)}",
        fix=f"did you mean {near[0]!r}?" if near else otherwise,
    )
