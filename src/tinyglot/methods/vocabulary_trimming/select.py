"""Which tokens stay, as a pure function of counts."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import VocabularySizeError

Counts = NDArray[np.int64]
Closure = Callable[[Collection[int]], frozenset[int]]


def most_frequent(counts: Counts, coverage: float, budget: int | None = None) -> NDArray[np.int64]:
    """List the fewest tokens that cover a share of all occurrences, the most frequent first.

    Args:
        counts: Occurrences by token id.
        coverage: Share of the occurrences to reach, in (0, 1].
        budget: At most so many tokens.

    Returns:
        Token ids by falling count, equal counts by rising id; only tokens that occur.

    Example:
        >>> most_frequent(np.array([5, 0, 3, 2]), coverage=0.75).tolist()
        [0, 2]
    """
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    reached = np.cumsum(counts[order])
    # integers, so that coverage 1 means every token and not all but rounding
    needed = int(np.searchsorted(reached, np.ceil(coverage * counts.sum()))) + 1
    return order[: min(needed, len(order), budget if budget is not None else len(order))]


def joint_ranking(
    counts: Mapping[str, Counts], chosen: Mapping[str, Collection[int]]
) -> list[int]:
    """Order the union of the languages' tokens so that every language counts once.

    A token's weight is the sum, over the languages that chose it, of its share of that language's
    occurrences.

    Args:
        counts: Occurrences by token id, per language.
        chosen: Token ids per language.

    Returns:
        Token ids by falling weight, equal weights by rising id.
    """
    weight = np.zeros_like(next(iter(counts.values())), dtype=np.float64)
    union: set[int] = set()
    for language, ids in chosen.items():
        index = np.fromiter(ids, dtype=np.int64)
        weight[index] += counts[language][index] / max(1, counts[language].sum())
        union.update(index.tolist())
    return sorted(union, key=lambda token_id: (-weight[token_id], token_id))


def fill(base: frozenset[int], ranking: Sequence[int], size: int | None, close: Closure) -> list[int]:
    """Add the best-ranked tokens to the ones that must stay, as many as fit.

    Args:
        base: Token ids that stay in any case.
        ranking: Further token ids, the best first.
        size: Most token ids in all; no limit if ``None``.
        close: Adds whatever a set of tokens cannot do without (merge parents of BPE).

    Returns:
        Sorted token ids.

    Raises:
        VocabularySizeError: If the tokens that must stay are already too many.
    """
    smallest = close(base)
    if size is None:
        return sorted(close(base.union(ranking)))
    if len(smallest) > size:
        raise VocabularySizeError(
            "Could not trim the vocabulary: what must stay is larger than the wanted size.",
            got=f"max_vocabulary_size {size}",
            expected=f"at least {len(smallest)} (special tokens, and the characters of the scripts)",
            fix=f"max_vocabulary_size: {len(smallest)}, or keep_script_characters: false",
        )
    return sorted(_largest_that_fits(base, ranking, size, close))


def _largest_that_fits(
    base: frozenset[int], ranking: Sequence[int], size: int, close: Closure
) -> frozenset[int]:
    # the closed set only grows with the prefix, so bisection finds the longest one that fits
    low, high = 0, len(ranking)
    while low < high:
        middle = (low + high + 1) // 2
        if len(close(base.union(ranking[:middle]))) <= size:
            low = middle
        else:
            high = middle - 1
    return close(base.union(ranking[:low]))
