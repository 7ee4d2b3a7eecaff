"""Swapping the mentions of sentences for others of the same type."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.mentions import Mention, Surface, mentions_of
from tinyglot.data.perturbations.pool import Pool, by_length

Place = tuple[int, int]
"""Position of a sentence, and of a mention among the sentence's mentions."""


@dataclass(frozen=True, slots=True)
class MentionCounts:
    """What became of the mentions of one type.

    Attributes:
        num_mentions: How many there are.
        num_replaced: How many were swapped for another one.
        num_alone: How many would have been, but the pool has no other mention of their type (and
            length, where that is matched).
    """

    num_mentions: int = 0
    num_replaced: int = 0
    num_alone: int = 0


@dataclass(frozen=True, slots=True)
class Replaced:
    """Sentences with other mentions.

    Attributes:
        sentences: As many as before, in the same order.
        counts: What became of the mentions, by type.
    """

    sentences: list[TaggedSentence]
    counts: dict[str, MentionCounts]


def replace_mentions(
    sentences: Sequence[TaggedSentence],
    pool: Pool,
    *,
    share: float,
    seed: int,
    name: str,
    length_matched: bool = False,
) -> Replaced:
    """Swap mentions for random others of the same type, and leave everything else.

    A mention is never replaced by itself; where the pool has no other one of its type, it stays
    and is counted. Exactly ``share`` of the mentions are chosen, rounded to whole ones, and what
    replaces a mention does not depend on the share: a smaller share changes a subset of them.

    Args:
        sentences: Tagged in IOB2. They are not changed.
        pool: What may be put in.
        share: Share of all mentions that are replaced, in [0, 1].
        seed: Of the draws.
        name: Of the data, such as ``swh-Latn/test``; other data draw otherwise with one seed.
        length_matched: Whether a mention is only replaced by one of as many words.

    Returns:
        The new sentences and counts by type. Spans follow the new mentions' lengths.

    Randomness:
        None from outside: each draw is a hash of the seed, the name and the mention's place.

    References:
        Dai & Adel (2020), An Analysis of Simple Data Augmentation for NER (there a mention may be
        replaced by itself); Ogueji et al. (2022), section on entity mention replacement.
    """
    found = [mentions_of(sentence) for sentence in sentences]
    places = [
        (row, column) for row, mentions in enumerate(found) for column in range(len(mentions))
    ]
    draws = {place: _draws(f"{seed}/{name}/{place[0]}/{place[1]}") for place in places}
    order = sorted(places, key=lambda place: (draws[place][0], place))
    chosen = order[: math.floor(share * len(places) + 0.5)]
    other = _chooser(pool, length_matched=length_matched)
    others = {
        (row, column): other(found[row][column], draws[row, column][1]) for row, column in chosen
    }
    rewritten = [
        _rewrite(sentence, mentions, [others.get((row, c)) for c in range(len(mentions))])
        for row, (sentence, mentions) in enumerate(zip(sentences, found, strict=True))
    ]
    return Replaced(rewritten, _counts(found, others))


def _chooser(pool: Pool, *, length_matched: bool) -> Callable[[Mention, float], Surface | None]:
    if not length_matched:
        return pool.other
    pools = by_length(pool)

    def other(mention: Mention, draw: float) -> Surface | None:
        matched = pools.get(len(mention.words))
        return None if matched is None else matched.other(mention, draw)

    return other


def _draws(key: str) -> tuple[float, float]:
    """Turn a text into two numbers that are uniform in [0, 1)."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    first, second = int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
    return (first >> 11) * 2.0**-53, (second >> 11) * 2.0**-53


def _rewrite(
    sentence: TaggedSentence, mentions: Sequence[Mention], others: Sequence[Surface | None]
) -> TaggedSentence:
    """Put the new mentions where the old ones are, tagged by their own length."""
    words: list[str] = []
    tags: list[str] = []
    end = 0
    for mention, other in zip(mentions, others, strict=True):
        new = mention.words if other is None else other
        words += [*sentence.words[end : mention.start], *new]
        tags += [*sentence.tags[end : mention.start], f"B-{mention.type}"]
        tags += [f"I-{mention.type}"] * (len(new) - 1)
        end = mention.end
    return TaggedSentence((*words, *sentence.words[end:]), (*tags, *sentence.tags[end:]))


def _counts(
    found: Sequence[Sequence[Mention]], others: dict[Place, Surface | None]
) -> dict[str, MentionCounts]:
    totals: dict[str, list[int]] = {}
    for row, mentions in enumerate(found):
        for column, mention in enumerate(mentions):
            total = totals.setdefault(mention.type, [0, 0, 0])
            total[0] += 1
            if (row, column) in others:
                total[2 if others[row, column] is None else 1] += 1
    return {kind: MentionCounts(*totals[kind]) for kind in sorted(totals)}
