"""Which tokens stay, as pure functions of counts."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import VocabularySizeError

TokenIds = NDArray[np.int64]
Closure = Callable[[Collection[int]], frozenset[int]]


class RankedTokens(NamedTuple):
    """The tokens that occur in a text, by falling count, equal counts by rising id.

    Attributes:
        token_ids: Token ids [seen].
        counts: How often each occurs [seen], at least once.
    """

    token_ids: TokenIds
    counts: NDArray[np.int64]


def rank_tokens(counts: NDArray[np.int64]) -> RankedTokens:
    """Order the tokens of a text by how often they occur.

    Args:
        counts: Occurrences by token id [vocab].

    Returns:
        The tokens that occur.

    Example:
        >>> rank_tokens(np.array([5, 0, 3, 5])).token_ids.tolist()
        [0, 3, 2]
    """
    seen = np.flatnonzero(counts)
    order = np.argsort(-counts[seen], kind="stable")
    return RankedTokens(seen[order], counts[seen[order]])


def most_frequent(tokens: RankedTokens, coverage: float) -> list[int]:
    """List the fewest tokens that make up a share of all occurrences.

    Args:
        tokens: Of one text.
        coverage: Share of the occurrences to reach, in (0, 1].

    Returns:
        Token ids by falling count.

    Example:
        >>> most_frequent(rank_tokens(np.array([5, 0, 3, 2])), coverage=0.75)
        [0, 2]
    """
    reached = np.cumsum(tokens.counts)
    # exact: 0.07 of 100 are 7, though 0.07 * 100 is a little more
    needed = math.ceil(Fraction(str(coverage)) * int(tokens.counts.sum()))
    fewest: list[int] = tokens.token_ids[: np.searchsorted(reached, needed) + 1].tolist()
    return fewest


def joint_ranking(
    texts: Mapping[str, RankedTokens], chosen: Mapping[str, Collection[int]]
) -> list[int]:
    """Order the union of what the languages chose, so that every language counts once.

    A token's weight is the sum, over the languages that chose it, of its share of that language's
    occurrences. So the first n tokens are the n with the highest mean coverage.

    Args:
        texts: The tokens of each language's text.
        chosen: Token ids that each language chose. Those that do not occur are left out.

    Returns:
        Token ids by falling weight, equal weights by rising id.
    """
    weights = np.zeros(1 + max(int(text.token_ids.max()) for text in texts.values()))
    for language in sorted(texts):  # sums of floats depend on the order
        token_ids, counts = texts[language]
        mine = np.isin(token_ids, np.fromiter(chosen[language], np.int64))
        weights[token_ids[mine]] += counts[mine] / counts.sum()
    union = np.flatnonzero(weights)
    ranked: list[int] = union[np.argsort(-weights[union], kind="stable")].tolist()
    return ranked


def fill(
    base: Collection[int], ranking: Iterable[int], size: int | None, close: Closure
) -> frozenset[int]:
    """Add the best-ranked tokens to the ones that must stay, as many as fit.

    A token that needs others (merge parents of BPE) brings them along. One that needs more room
    than is left is passed over, so that the size is reached exactly if there are enough tokens.

    Args:
        base: Token ids that stay in any case.
        ranking: Further token ids, the best first.
        size: Most token ids in all; no limit if ``None``.
        close: Adds to a set of tokens whatever it cannot do without.

    Returns:
        Closed token ids.

    Raises:
        VocabularySizeError: If the tokens that must stay are already too many.
    """
    kept = set(close(base))
    if size is None:
        return close(kept.union(ranking))
    _check_room(len(kept), size)
    for token_id in ranking:
        if len(kept) == size:
            break
        added = close((token_id,)) - kept
        if len(kept) + len(added) <= size:
            kept |= added
    return frozenset(kept)


def _check_room(num_needed: int, size: int) -> None:
    if num_needed > size:
        raise VocabularySizeError(
            "Could not trim the vocabulary: what must stay is larger than the wanted size.",
            got=f"max_vocabulary_size {size}",
            expected=f"at least {num_needed} (special tokens, and the characters of the scripts)",
            fix=f"max_vocabulary_size: {num_needed}, or keep_script_characters: false",
        )
