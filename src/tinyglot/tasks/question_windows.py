"""A question with a window of its paragraph: one sequence of token ids for the model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from transformers import PreTrainedTokenizerFast

from tinyglot.tasks.task import Encoded
from tinyglot.tasks.words import left_as_it_was, without_special_ids

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextWindow(Encoded):
    """A question with as much of its paragraph as one sequence holds.

    Attributes:
        context: The whole paragraph.
        first_token: Position of the paragraph's first token in the sequence.
        spans: Where each token of the paragraph stands: its first character and the one behind.
    """

    context: str
    first_token: int
    spans: Sequence[Span]


class Tokens(NamedTuple):
    """A text in tokens.

    Attributes:
        ids: Token ids, without special tokens.
        spans: Of each: its first character and the one behind, spaces around it left out; the two
            are equal if nothing but space is left.
    """

    ids: list[int]
    spans: list[Span]


class PairTemplate(NamedTuple):
    """The special tokens around two texts.

    Attributes:
        before: Token ids before the first text.
        between: Token ids between the two.
        after: Token ids after the second.
        types: Token types of the five parts; ``None`` for tokenizers that make none.
    """

    before: list[int]
    between: list[int]
    after: list[int]
    types: tuple[int, ...] | None

    @property
    def num_special(self) -> int:
        """Count the special tokens."""
        return len(self.before) + len(self.between) + len(self.after)

    def joined(self, first: list[int], second: list[int]) -> list[int]:
        """Put two texts into one sequence.

        Args:
            first: Token ids of the first text.
            second: Token ids of the second.

        Returns:
            Token ids of the sequence.
        """
        return self.before + first + self.between + second + self.after

    def token_types(self, num_first: int, num_second: int) -> list[int] | None:
        """Say which of the two texts each token of a sequence belongs to.

        Args:
            num_first: Tokens of the first text.
            num_second: Tokens of the second.

        Returns:
            One number a token, if the tokenizer makes any.
        """
        if self.types is None:
            return None
        parts = (len(self.before), num_first, len(self.between), num_second, len(self.after))
        return [kind for kind, count in zip(self.types, parts, strict=True) for _ in range(count)]


def pair_template(tokenizer: PreTrainedTokenizerFast) -> PairTemplate:
    """Find the special tokens that the tokenizer puts around and between two texts.

    Args:
        tokenizer: The model's tokenizer; left as it was.

    Returns:
        The special tokens, and the token types if it makes them.
    """
    with left_as_it_was(tokenizer):
        encoded = tokenizer("a", "0", truncation=False, padding=False)
    places = encoded.sequence_ids(0)
    ids, types = list(encoded["input_ids"]), encoded.get("token_type_ids")
    first, second = places.index(0), places.index(1)
    end_of_first = second - places[:second][::-1].index(0)
    end = len(places) - places[::-1].index(1)
    parts = (ids[:first], ids[end_of_first:second], ids[end:])
    return PairTemplate(*parts, _types_of_parts(types, (first, end_of_first, second, end)))


def _types_of_parts(types: list[int] | None, borders: tuple[int, ...]) -> tuple[int, ...] | None:
    """Give one type a part; a part without tokens has any."""
    if types is None:
        return None
    first, end_of_first, second, end = borders
    return (types[0], types[first], types[end_of_first], types[second], types[min(end, second)])


def tokens_of(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> dict[str, Tokens]:
    """Tokenise texts, and find out where each token stands.

    Where text spells a special token (``</s>``), the unknown token stands.

    Args:
        tokenizer: The model's tokenizer; left as it was.
        texts: Any texts; repetitions cost nothing.

    Returns:
        Token ids and places by text.
    """
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    with left_as_it_was(tokenizer):
        encoded = tokenizer(
            distinct,
            add_special_tokens=False,
            truncation=False,
            padding=False,
            return_offsets_mapping=True,
            verbose=False,
        )
    id_lists = without_special_ids(tokenizer, encoded["input_ids"])
    rows = zip(distinct, id_lists, encoded["offset_mapping"], strict=True)
    return {text: Tokens(ids, [_stripped(text, s) for s in spans]) for text, ids, spans in rows}


def _stripped(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def window_borders(num_tokens: int, room: int, overlap: int) -> Iterator[Span]:
    """Cut a paragraph into windows that share tokens with their neighbours.

    Args:
        num_tokens: Tokens of the paragraph.
        room: Most tokens a window may have, at least 1.
        overlap: Tokens that a window shares with the one before, less than ``room``.

    Yields:
        The first token of each window, and the token behind its last.

    Example:
        >>> list(window_borders(10, room=6, overlap=2))
        [(0, 6), (4, 10)]
    """
    start = 0
    while start + room < num_tokens:
        yield start, start + room
        start += room - overlap
    yield start, num_tokens


def token_span(spans: Sequence[Span], start: int, end: int) -> Span | None:
    """Find the tokens that a stretch of characters lies in.

    Args:
        spans: Of all tokens of the text.
        start: The stretch's first character.
        end: The character behind it.

    Returns:
        The first token and the last; ``None`` if no token holds any of its characters.
    """
    inside = [i for i, (first, behind) in enumerate(spans) if first < end and behind > start]
    return (inside[0], inside[-1]) if inside else None
