"""Which units stay, as short texts: a cell file holds those of thousands of neurons."""

from collections.abc import Sequence
from typing import Any

from tinyglot.importance import Kept


def packed(kept: Sequence[Sequence[int]]) -> list[str]:
    """Write the units of every layer as hexadecimal numbers, a bit a unit.

    Args:
        kept: Indices of every layer.

    Returns:
        One text a layer.

    Example:
        >>> packed([[0, 1, 4], [2]])
        ['13', '4']
    """
    return [format(sum(1 << index for index in layer), "x") for layer in kept]


def unpacked(texts: Sequence[str]) -> Kept:
    """Read what ``packed`` wrote.

    Args:
        texts: One a layer.

    Returns:
        Increasing indices of every layer.

    Example:
        >>> unpacked(["13", "4"])
        ((0, 1, 4), (2,))
    """
    bits = [bin(int(text, 16))[:1:-1] for text in texts]
    return tuple(tuple(i for i, bit in enumerate(layer) if bit == "1") for layer in bits)


def with_packed_masks(facts: dict[str, Any]) -> dict[str, Any]:
    """Pack the units that a step says it kept.

    Args:
        facts: Of a step.

    Returns:
        The same, with texts in place of lists of indices under ``kept``: of one kind of units, or
        by kind.
    """
    kept = facts.get("kept")
    if isinstance(kept, dict):
        return {**facts, "kept": {kind: packed(layers) for kind, layers in kept.items()}}
    is_list = isinstance(kept, list) and all(isinstance(layer, list) for layer in kept)
    return {**facts, "kept": packed(kept)} if kept and is_list else facts
