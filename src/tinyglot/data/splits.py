"""Names of splits: tinyglot says train, dev and test; data sets also say validation."""

from collections.abc import Iterable

SYNONYMS: dict[str, tuple[str, ...]] = {"dev": ("dev", "valid", "validation")}


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
