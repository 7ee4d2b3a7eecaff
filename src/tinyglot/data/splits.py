"""Names of splits: tinyglot says train, dev and test; data sets also say validation."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

import datasets

from tinyglot.errors import DataFormatError, EmptyTextError

_Item = TypeVar("_Item")

SYNONYMS: dict[str, tuple[str, ...]] = {"dev": ("dev", "valid", "validation")}
KNOWN = frozenset({"train", "dev", "valid", "validation", "test"})
_TREEBANK_FILE = re.compile(r".+-ud-(train|dev|test)")
_SLICED = re.compile(r"(?P<name>[^\[\]]+)\[(?P<slice>[^\[\]]*)\]")


def split_names(split: str) -> tuple[str, ...]:
    """Give every name that a split may have in files and on the hub.

    Args:
        split: Any of the names; one without synonyms stands for itself.

    Returns:
        The names, tinyglot's own first.

    Example:
        >>> split_names("validation"), split_names("test")
        (('dev', 'valid', 'validation'), ('test',))
    """
    return next((names for names in SYNONYMS.values() if split in names), (split,))


def canonical_split(name: str) -> str:
    """Give tinyglot's name of a split: ``dev`` for ``valid`` and ``validation``."""
    return split_names(name)[0]


def sorted_splits(names: Iterable[str]) -> tuple[str, ...]:
    """Sort splits as they are used: train, dev, test, then others by name."""
    order = {"train": 0, "dev": 1, "test": 2}
    return tuple(sorted(set(names), key=lambda name: (order.get(name, 3), name)))


def split_of_file(stem: str) -> str | None:
    """Tell the split from a file's name without its ending.

    Args:
        stem: Such as ``train``, ``validation`` or ``sk_snk-ud-dev``.

    Returns:
        tinyglot's name of the split; ``None`` if the file is named like no split.
    """
    treebank = _TREEBANK_FILE.fullmatch(stem)
    name = treebank[1] if treebank else stem
    return canonical_split(name) if name in KNOWN else None


def split_name(split: str) -> str:
    """Take the slice off a split: ``dev`` of ``dev[:80%]``."""
    sliced = _SLICED.fullmatch(split.strip())
    return sliced["name"] if sliced else split


def sliced(items: Sequence[_Item], split: str) -> list[_Item]:
    """Take a slice of a split, by the rules of ``datasets``.

    Args:
        items: All items of the split: examples, or articles with their questions.
        split: Such as ``dev``, ``dev[:80%]``, ``test[20:50]`` or ``test[-10%:]``.

    Returns:
        The items of the slice; all without one.

    Raises:
        DataFormatError: If it is no slice.
        EmptyTextError: If nothing is in the slice.
    """
    match = _SLICED.fullmatch(split.strip())
    if match is None:
        return list(items)
    try:
        instruction = datasets.ReadInstruction.from_spec(f"all[{match['slice']}]")
        (found,) = instruction.to_absolute({"all": len(items)})
    except (ValueError, AssertionError) as error:
        raise DataFormatError(
            f"Could not read the slice of the split {split!r} of {len(items)} item(s).",
            got=error,
            expected="a slice as in datasets: dev[:80%], test[20:50], test[-10%:]",
            fix="correct the slice",
        ) from error
    chosen = list(items[found.from_ : found.to])
    if not chosen:
        raise EmptyTextError(
            f"Could not use the split {split!r}: nothing is in it.",
            got=f"items {found.from_} to {found.to} of {len(items)}",
            expected="at least one item",
            fix="take a larger slice",
        )
    return chosen
