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
from benchmarks.slim_result import slim_table
from benchmarks.sparse_result import sparse_table
from benchmarks.tables import int8_table
from benchmarks.unit_pruning_result import unit_pruning_table
from benchmarks.width_reduction_result import width_reduction_table
from tinyglot.architectures import families, stock_shapes
from tinyglot.methods.registry import methods

METHODS = Path(tinyglot.methods.__file__).parent
EXPORT_CARD = Path(tinyglot.export.__file__).parent / "README.md"
DOCS = Path(__file__).parents[1] / "docs"
SPARSE_PAGE = DOCS / "how-to" / "sparse.md"
STOCK_PAGE = DOCS / "concepts" / "stock.md"
OPTIONS = "| option | default | meaning |"
STOCK_MEANINGS = {
    "layers": "fewer layers",
    "ffn_size": "fewer neurons, the same number in every layer",
    "ffn_size_per_layer": "another number of neurons in each layer",
    "hidden_size": "fewer heads and the hidden channels that they fill",
    "num_heads": "fewer heads at an unchanged hidden size",
    "num_heads_per_layer": "another number of heads in each layer",
    "embedding_size": "embeddings narrower than the layers",
    "vocabulary_size": "a smaller vocabulary",
}
# marker -> file of benchmarks/results, table made of it
TABLES: Mapping[str, tuple[str, Callable[[Any], Iterable[str]]]] = {
    "int8_table": ("int8", int8_table),
    "slim_table": ("slim", slim_table),
    "sparse_table": ("sparse", sparse_table),
    "head_pruning_table": (
        "unit-pruning-e5-small",
        lambda result: unit_pruning_table(result, "head_pruning"),
    ),
    "ffn_pruning_table": (
        "unit-pruning-e5-small",
        lambda result: unit_pruning_table(result, "ffn_pruning"),
    ),
    "width_reduction_table": ("width-reduction-e5-small", width_reduction_table),
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
    texts |= {path: path.read_text("utf-8") for path in (EXPORT_CARD, SPARSE_PAGE, STOCK_PAGE)}
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
            shown = "to be given" if fields[name].is_required() else f"`{_said(default)}`"
            yield f"| `{name}` | {shown} | {fields[name].description} |"


def _said(default: Any) -> str:
    return json.dumps(default, default=lambda part: part.model_dump(mode="json"))


def _distance(config_class: type[BaseModel], name: str) -> int:
    """Count the classes between the one given and the one that declares a field."""
    declaring = (name in vars(one).get("__annotations__", {}) for one in config_class.__mro__)
    return list(declaring).index(True)


# --- measured ----------------------------------------------------------------------------------


def with_tables(text: str) -> str:
    """Fill every `<!-- begin: NAME -->` with the table of that name."""
    for name in re.findall(r"<!-- begin: (.*?) -->", text):
        text = between(text, name, table_lines(name))
    return text


def table_lines(name: str) -> Iterable[str]:
    if name == "stock_shapes":
        return stock_lines()
    result, table = TABLES[name]
    return table(read_result(RESULTS / f"{result}.json").result)


def stock_lines() -> Iterator[str]:
    """Say for each family what the installed transformers expresses."""
    names = [family.name for family in families()]
    shapes = [stock_shapes(name) for name in names]
    yield (
        "| " + " | ".join(["an ordinary configuration can say", *(f"`{n}`" for n in names)]) + " |"
    )
    yield "|---" * (len(names) + 1) + "|"
    for field, meaning in STOCK_MEANINGS.items():
        answers = ["yes" if getattr(shape, field) else "no" for shape in shapes]
        yield "| " + " | ".join([meaning, *answers]) + " |"


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
