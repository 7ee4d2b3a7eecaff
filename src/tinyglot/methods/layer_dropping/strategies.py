"""Which layers stay, as plain functions of numbers."""

from collections.abc import Sequence

from tinyglot.methods.layer_dropping.config import Strategy


def choose_layers(
    preference: Sequence[int], num_kept: int, pinned: Sequence[int] = ()
) -> tuple[int, ...]:
    """Keep the layers that must stay, then the most preferred ones up to the number wanted.

    Args:
        preference: Layers, the most wanted first.
        num_kept: How many stay.
        pinned: Layers that must stay.

    Returns:
        Increasing layer indices.

    Example:
        >>> choose_layers([5, 4, 3, 2, 1, 0], 3, pinned=[0])
        (0, 4, 5)
    """
    others = [layer for layer in preference if layer not in pinned]
    return tuple(sorted([*pinned, *others][:num_kept]))


def preferred_by_place(strategy: Strategy, num_layers: int, num_kept: int) -> tuple[int, ...]:
    """Order layers by where they stand, the most wanted first.

    Args:
        strategy: ``first``, ``last``, ``stride`` or ``first_last``.
        num_layers: Layers of the model.
        num_kept: How many stay.

    Returns:
        At least ``num_kept`` layer indices.

    Notation:
        L is ``num_layers``, k is ``num_kept``; for k = L / f the stride is 0, f, 2f, …

    References:
        Gurgurov et al. (2025), arXiv 2505.16956, initialisation of the student.

    Example:
        >>> preferred_by_place("stride", 12, 5)
        (0, 2, 4, 7, 9)
        >>> preferred_by_place("first_last", 12, 5)
        (0, 11, 1, 10, 2)
    """
    upwards = tuple(range(num_layers))
    downwards = upwards[::-1]
    if strategy == "first":
        return upwards
    if strategy == "last":
        return downwards
    if strategy == "first_last":
        both = [layer for pair in zip(upwards, downwards, strict=True) for layer in pair]
        return tuple(both[:num_kept])
    return tuple(index * num_layers // num_kept for index in range(num_kept))


def preferred_by_influence(block_influence: Sequence[float]) -> tuple[int, ...]:
    """Order layers by their influence, the highest first; the lower layer where two are equal.

    Args:
        block_influence: One value a layer.

    Returns:
        All layer indices.

    References:
        Men et al. (2024), ShortGPT, arXiv 2403.03853: layers are removed by ascending influence.

    Example:
        >>> preferred_by_influence([0.1, 0.3, 0.1, 0.2])
        (1, 3, 0, 2)
    """
    return tuple(sorted(range(len(block_influence)), key=lambda i: (-block_influence[i], i)))
