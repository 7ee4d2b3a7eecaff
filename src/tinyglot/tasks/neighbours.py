"""Nearest neighbours by cosine, the margin criterion, and pairs mined with it; all exact."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Margin = Literal["ratio", "distance", "absolute"]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

CELLS_AT_ONCE = 16_000_000  # 64 MB of similarities


class Neighbours(NamedTuple):
    """The nearest targets of every source.

    Attributes:
        positions: Shape (sources, k), the nearest first; the first by position among equals.
        cosines: Their similarities.
    """

    positions: IntArray
    cosines: FloatArray


def unit_vectors(vectors: FloatArray) -> FloatArray:
    """Divide vectors by their lengths, so that products are cosines.

    Args:
        vectors: Shape (vectors, hidden).

    Returns:
        Vectors of length 1; zeros stay zeros.
    """
    norms: FloatArray = np.linalg.norm(vectors, axis=1, keepdims=True)
    norms[norms == 0] = 1
    return vectors / norms


def nearest(sources: FloatArray, targets: FloatArray, k: int) -> Neighbours:
    """Find the k nearest targets of every source.

    Args:
        sources: Unit vectors.
        targets: Unit vectors, at least one.
        k: How many; no more than there are targets are given.

    Returns:
        Positions and cosines, shape (sources, k).

    Cost:
        One product of the two matrices, in pieces of 64 MB.
    """
    k = min(k, len(targets))
    parts = [_nearest(rows @ targets.T, k) for rows in _pieces(sources, len(targets))]
    empty = (np.zeros((0, k), np.int64), np.zeros((0, k), np.float32))
    positions, cosines = zip(*(parts or [empty]), strict=True)
    return Neighbours(np.concatenate(positions), np.concatenate(cosines))


def margins(cosines: FloatArray, around: FloatArray, kind: Margin) -> FloatArray:
    """Compare the similarity of pairs with that of their neighbourhoods.

    Args:
        cosines: Of each pair.
        around: Mean similarity of the two texts with their k nearest neighbours on the other side.
        kind: ``ratio`` divides, ``distance`` subtracts, ``absolute`` leaves the cosine as it is.

    Returns:
        One score a pair, the higher the better.

    References:
        Artetxe and Schwenk (2019), Margin-based parallel corpus mining with multilingual sentence
        embeddings, equations 2 to 4.
    """
    if kind == "absolute":
        return cosines
    if kind == "distance":
        return cosines - around
    divisor: FloatArray = np.where(around == 0, np.ones_like(around), around)
    return cosines / divisor


def scored_neighbours(
    sources: FloatArray, targets: FloatArray, k: int, kind: Margin
) -> tuple[Neighbours, Neighbours]:
    """Find nearest neighbours in both directions, with margins in place of cosines.

    Args:
        sources: Unit vectors, at least one.
        targets: Unit vectors, at least one.
        k: Size of the neighbourhoods.
        kind: The margin.

    Returns:
        Targets of every source, and sources of every target, nearest by cosine first.
    """
    forward, backward = nearest(sources, targets, k), nearest(targets, sources, k)
    of_source, of_target = forward.cosines.mean(axis=1), backward.cosines.mean(axis=1)
    return (
        _with_margins(forward, of_source, of_target, kind),
        _with_margins(backward, of_target, of_source, kind),
    )


def mined_pairs(forward: Neighbours, backward: Neighbours) -> tuple[IntArray, IntArray, FloatArray]:
    """Choose pairs, the best first, so that no text is in two.

    The candidates are the best neighbour of every source and of every target ("max" of Artetxe
    and Schwenk, as in XTREME's BUCC).

    Args:
        forward: Targets of every source, with scores.
        backward: Sources of every target, with scores.

    Returns:
        Sources, targets and scores of the pairs, the highest score first.
    """
    first, first_scores = _best(forward)
    second, second_scores = _best(backward)
    sources = np.concatenate([np.arange(len(first)), second])
    targets = np.concatenate([first, np.arange(len(second))])
    scores = np.concatenate([first_scores, second_scores])
    kept: list[int] = []
    used_sources, used_targets = np.zeros(len(first), bool), np.zeros(len(second), bool)
    for pair in np.argsort(-scores, kind="stable").tolist():
        source, target = sources[pair], targets[pair]
        if not used_sources[source] and not used_targets[target]:
            used_sources[source] = used_targets[target] = True
            kept.append(pair)
    return sources[kept], targets[kept], scores[kept]


def best_threshold(
    scores: NDArray[np.floating], is_right: NDArray[np.bool_], correct: int
) -> float:
    """Find the threshold with the highest F1.

    Args:
        scores: Of mined pairs.
        is_right: Which of them are correct pairs.
        correct: Number of correct pairs, found or not.

    Returns:
        Half-way between two scores, so that pairs above it are taken; the lowest score minus 1 if
        all are, and infinity if there is no right pair.
    """
    if not is_right.any():
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order].astype(np.float64)
    below = np.append(ordered[1:], ordered[-1] - 2)
    taken = np.arange(1, len(order) + 1)
    f1 = 2 * np.cumsum(is_right[order]) / (taken + correct)
    best = int(np.argmax(np.where(ordered > below, f1, -1)))  # equal scores are taken together
    return float((ordered[best] + below[best]) / 2)


def _pieces(rows: FloatArray, num_columns: int) -> Iterator[FloatArray]:
    step = max(1, CELLS_AT_ONCE // num_columns)
    yield from (rows[start : start + step] for start in range(0, len(rows), step))


def _nearest(similarities: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    if k == 1:
        positions = similarities.argmax(axis=1)[:, None]
    else:
        found = np.sort(np.argpartition(-similarities, k - 1, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(similarities, found, 1), axis=1, kind="stable")
        positions = np.take_along_axis(found, order, 1)
        positions[:, 0] = similarities.argmax(axis=1)
    return positions, np.take_along_axis(similarities, positions, 1)


def _with_margins(
    found: Neighbours, around_row: FloatArray, around_column: FloatArray, kind: Margin
) -> Neighbours:
    around = (around_row[:, None] + around_column[found.positions]) / np.float32(2)
    return Neighbours(found.positions, margins(found.cosines, around, kind))


def _best(found: Neighbours) -> tuple[IntArray, FloatArray]:
    """Give the neighbour with the highest score of each row."""
    column = found.cosines.argmax(axis=1)[:, None]
    return (
        np.take_along_axis(found.positions, column, 1)[:, 0],
        np.take_along_axis(found.cosines, column, 1)[:, 0],
    )
