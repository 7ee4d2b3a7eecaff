"""Entity mentions: where they are in a sentence, and which of them occur in other data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.iob import spans

Surface: TypeAlias = tuple[str, ...]
"""The words of a mention."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of words that names an entity.

    Attributes:
        type: Such as ``PER``.
        words: As they stand in the sentence.
        start: Position of the first word.
    """

    type: str
    words: Surface
    start: int

    @property
    def end(self) -> int:
        """Position after the last word."""
        return self.start + len(self.words)


@dataclass(frozen=True, slots=True)
class EntityOverlap:
    """How many mentions of some data occur, with the same type, in other data.

    Attributes:
        num_mentions: Of the first data.
        num_seen: Of these, those whose words and type occur in the second.
    """

    num_mentions: int
    num_seen: int

    @property
    def share(self) -> float | None:
        """Seen mentions of all mentions, in [0, 1]; ``None`` if there is no mention."""
        return self.num_seen / self.num_mentions if self.num_mentions else None


def mentions_of(sentence: TaggedSentence) -> list[Mention]:
    """Find the mentions of a sentence.

    Args:
        sentence: Tagged in IOB2.

    Returns:
        The mentions, from the first to the last.

    Example:
        >>> mentions_of(TaggedSentence(("Asha", "Juma", "yupo"), ("B-PER", "I-PER", "O")))
        [Mention(type='PER', words=('Asha', 'Juma'), start=0)]
    """
    found = spans(sentence.tags)
    return [Mention(kind, sentence.words[start:end], start) for kind, start, end in found]


def surfaces_by_type(sentences: Iterable[TaggedSentence]) -> dict[str, set[Surface]]:
    """Collect what is mentioned, each way to write it once.

    Args:
        sentences: Tagged in IOB2.

    Returns:
        The words of the mentions, by type.
    """
    surfaces: dict[str, set[Surface]] = {}
    for sentence in sentences:
        for mention in mentions_of(sentence):
            surfaces.setdefault(mention.type, set()).add(mention.words)
    return surfaces


def entity_overlap(
    sentences: Iterable[TaggedSentence], others: Iterable[TaggedSentence]
) -> EntityOverlap:
    """Count the mentions that occur, word for word and with the same type, in other data.

    Args:
        sentences: The data whose mentions are counted, mostly the test split.
        others: The data in which they are looked up, mostly the training split.

    Returns:
        How many mentions there are, and how many of them occur in the other data.

    References:
        Ogueji et al. (2022), Intriguing Properties of Compression, figure 9.
    """
    known = surfaces_by_type(others)
    counted = [mention for sentence in sentences for mention in mentions_of(sentence)]
    seen = sum(mention.words in known.get(mention.type, ()) for mention in counted)
    return EntityOverlap(len(counted), seen)
