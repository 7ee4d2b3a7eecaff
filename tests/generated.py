"""Parts of documents that are made from code or results.

python -m tests.generated      # writes them anew
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import tinyglot.export
import tinyglot.methods
from benchmarks import trimming_tables
from benchmarks.schema import RESULTS, read_result
from benchmarks.sparse_result import sparse_table
from benchmarks.tables import int8_table
from tinyglot.methods.registry import methods

METHODS = Path(tinyglot.methods.__file__).parent
EXPORT_CARD = Path(tinyglot.export.__file__).parent / "README.md"
SPARSE_PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "sparse.md"
OPTIONS = "| option | default | meaning |"
# marker -> file of benchmarks/results, table made of it
TABLES: Mapping[str, tuple[str, Callable[[Any], Iterable[str]]]] = {
    "int8_table": ("int8", int8_table),
    "sparse_table": ("sparse", sparse_table),
    "alone_table": ("vocabulary-trimming-e5-small", trimming_tables.alone_table),
    "joint_table": ("vocabulary-trimming-e5-small", trimming_tables.joint_table),
    "other_domain_table": ("vocabulary-trimming-e5-small", trimming_tables.other_domain_table),
}


def main() -> None:
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Give every document with such parts as it should be."""
    cards = {METHODS / method.name / "README.md": method.config_class for method in methods()}
    texts = {path: with_options(path.read_text("utf-8"), config) for path, config in cards.items()}
    texts |= {path: path.read_text("utf-8") for path in (EXPORT_CARD, SPARSE_PAGE)}
    return {path: with_tables(text) for path, text in texts.items()}


# --- options -----------------------------------------------------------------------------------


def with_options(text: str, config_class: type[BaseModel]) -> str:
    """Replace the table of options, which goes on to the next blank line."""
    before, header, after = text.partition(OPTIONS)
    if not header:
        raise ValueError(f"no table of options: no line {OPTIONS!r}")
    _, blank, rest = after.partition("\n\n")
    return before + "\n".join(option_lines(config_class)) + blank + rest


def option_lines(config_class: type[BaseModel]) -> Iterator[str]:
    """Give the table: options of the class itself first, then those it inherits."""
    yield OPTIONS
    yield "|---|---|---|"
    fields = config_class.model_fields
    for name in sorted(fields, key=lambda name: _distance(config_class, name)):
        if name != "method":
            default = fields[name].get_default(call_default_factory=True)
            shown = "to be given" if fields[name].is_required() else f"`{json.dumps(default)}`"
            yield f"| `{name}` | {shown} | {fields[name].description} |"


def _distance(config_class: type[BaseModel], name: str) -> int:
    """Count the classes between the one given and the one that declares a field."""
    declaring = (name in vars(one).get("__annotations__", {}) for one in config_class.__mro__)
    return list(declaring).index(True)


# --- measured ----------------------------------------------------------------------------------


def with_tables(text: str) -> str:
    """Fill every `<!-- begin: NAME -->` with the table of that name."""
    for name in re.findall(r"<!-- begin: (.*?) -->", text):
        result, table = TABLES[name]
        text = between(text, name, table(read_result(RESULTS / f"{result}.json").result))
    return text


def between(text: str, name: str, lines: Iterable[str]) -> str:
    """Replace what stands between the two markers of that name."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"no markers {begin.strip()} … {end}")
    content = "\n".join(lines)
    return f"{before}{begin}\n{content}\n\n{end}{after}"


if __name__ == "__main__":
    main()
