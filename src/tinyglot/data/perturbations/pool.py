"""Mentions that can stand for one another: a pool, by type."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tinyglot.data.mentions import Mention, Surface


@dataclass(frozen=True, slots=True)
class Pool:
    """Mentions by type; each way to write one counts once, however often it occurs.

    Attributes:
        surfaces: The words of the mentions by type, sorted.
    """

    surfaces: Mapping[str, tuple[Surface, ...]]

    @property
    def sizes(self) -> dict[str, int]:
        """How many different mentions there are of each type."""
        return {kind: len(surfaces) for kind, surfaces in self.surfaces.items()}

    def other(self, mention: Mention, draw: float) -> Surface | None:
        """Choose another mention of the same type; each is as likely.

        Args:
            mention: What is replaced, whether it is in the pool or not.
            draw: Uniform in [0, 1).

        Returns:
            Words that differ from the mention's; ``None`` if the pool has no others of its type.
        """
        surfaces = self.surfaces.get(mention.type, ())
        own = bisect_left(surfaces, mention.words)
        is_there = own < len(surfaces) and surfaces[own] == mention.words
        num_others = len(surfaces) - is_there
        if num_others == 0:
            return None
        chosen = int(draw * num_others)
        return surfaces[chosen + (is_there and chosen >= own)]


def make_pool(parts: Iterable[Mapping[str, Iterable[Surface]]]) -> Pool:
    """Bring the mentions of several splits or languages together.

    Args:
        parts: Words of mentions by type, one mapping a split and language, in any order.

    Returns:
        The pool; the same for every order of the parts.
    """
    merged: dict[str, set[Surface]] = {}
    for part in parts:
        for kind, surfaces in part.items():
            merged.setdefault(kind, set()).update(surfaces)
    return Pool({kind: tuple(sorted(merged[kind])) for kind in sorted(merged)})


def by_length(pool: Pool) -> dict[int, Pool]:
    """Sort mentions by how many words they have.

    Args:
        pool: Is not changed.

    Returns:
        One pool a number of words, as far as there are any.
    """
    parts: dict[int, dict[str, list[Surface]]] = {}
    for kind, surfaces in pool.surfaces.items():
        for surface in surfaces:
            parts.setdefault(len(surface), {}).setdefault(kind, []).append(surface)
    return {length: make_pool([part]) for length, part in parts.items()}


def only(pool: Pool, known: Pool, *, seen: bool) -> Pool:
    """Keep the mentions that other data has, or those that it lacks.

    Args:
        pool: Is not changed.
        known: The mentions of the other data.
        seen: Whether those that it has are kept, or the others.

    Returns:
        A pool with as many types; some may be empty.
    """
    lookup = {kind: frozenset(surfaces) for kind, surfaces in known.surfaces.items()}
    return Pool(
        {
            kind: tuple(s for s in surfaces if (s in lookup.get(kind, frozenset())) is seen)
            for kind, surfaces in pool.surfaces.items()
        }
    )
