"""Parts of documents that are made from code.

python -m tests.generated      # writes them anew
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

import tinyglot.methods
from tinyglot.methods.registry import methods

METHODS = Path(tinyglot.methods.__file__).parent
OPTIONS = "| option | default | meaning |"


def main() -> None:
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Give every method card as it should be."""
    cards = {METHODS / method.name / "README.md": method.config_class for method in methods()}
    return {path: with_options(path.read_text("utf-8"), config) for path, config in cards.items()}


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
    for name in sorted(fields, key=lambda name: name not in config_class.__annotations__):
        if name != "method":
            default = json.dumps(fields[name].get_default(call_default_factory=True))
            yield f"| `{name}` | `{default}` | {fields[name].description} |"


if __name__ == "__main__":
    main()
