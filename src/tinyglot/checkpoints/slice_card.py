"""The model card of a slice: what it is, how to load it, and the licence it has from its source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CARD_FILE = "README.md"
#: what a slice has in common with the checkpoint that it is from
_INHERITED = ("language", "license", "base_model", "library_name", "pipeline_tag", "tags")


def slice_card(source: Path, summary: str, model_class: str, language: str | None) -> str:
    """Write the card of a slice.

    Args:
        source: The elastic checkpoint; licence and origin are those of its card.
        summary: The sizes in one line.
        model_class: Such as ``BertForTokenClassification``.
        language: Tag of the language whose rows stayed; ``None`` for all rows.

    Returns:
        Markdown with the front matter that model hubs read.
    """
    given = read_front_matter(source / CARD_FILE)
    fields = {name: given[name] for name in _INHERITED if given.get(name)}
    if language is not None:
        fields["language"] = [language.split("-")[0]]
    head = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True) if fields else ""
    return f"---\n{head}---\n\n{_body(source, summary, model_class, language, fields)}"


def _body(
    source: Path, summary: str, model_class: str, language: str | None, fields: Mapping[str, Any]
) -> str:
    name = source.resolve().name
    origin = f", which was made from `{fields['base_model']}`" if "base_model" in fields else ""
    rows = f" It keeps the tokens of `{language}`." if language else ""
    licence = (
        f"Licence: {fields['license']}, as of the checkpoint it is from."
        if "license" in fields
        else "The licence of the base model holds; it is not recorded here."
    )
    return (
        f"# A slice: {summary.partition(':')[0]}\n\n"
        f"Cut with `tinyglot slice` out of the elastic checkpoint `{name}`{origin}: "
        f"{summary}.{rows} "
        "The sizes and the digest of its source are in `slice.json`.\n\n"
        f"{licence}\n\n"
        "## How to load it\n\n"
        f"An ordinary transformers checkpoint of class `{model_class}`; tinyglot is not needed.\n\n"
        "```python\n"
        f"from transformers import AutoTokenizer, {model_class}\n\n"
        'path = "."  # this directory, or the hub id it was uploaded to\n'
        "tokenizer = AutoTokenizer.from_pretrained(path)\n"
        f"model = {model_class}.from_pretrained(path)\n"
        "```\n"
    )


def read_front_matter(card: Path) -> dict[str, Any]:
    """Read what a model card says for machines.

    Args:
        card: The file; it may be missing or have none.

    Returns:
        The fields; none where there is no front matter, or it cannot be read.
    """
    text = card.read_text("utf-8", errors="replace") if card.is_file() else ""
    if not text.startswith("---\n"):
        return {}
    try:
        found = yaml.safe_load(text.removeprefix("---\n").partition("\n---")[0])
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
