"""From lines of text to the sequences of token ids that a model is trained on."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Self

from transformers import PreTrainedTokenizerFast

from tinyglot.tasks.words import (
    check_length,
    sequence_limit,
    special_affixes,
    token_ids,
    without_special_ids,
)

_LINES_AT_A_TIME = 1000


@dataclass(frozen=True)
class Sequencer:
    """Makes sequences of lines, as they come.

    ``lines``: a line is a sequence; a longer one is cut into equal parts. ``packed``: a sequence
    takes whole lines as long as they fit, with what the tokenizer puts behind a sentence after
    each of them (``<s> one </s> two </s>``), as RoBERTa's FULL-SENTENCES. Attention crosses the
    lines, and so do the positions: all lines of a sequence see each other.

    Attributes:
        tokenizer: Left as it was.
        kind: Which of the two.
        max_length: Most token ids of a sequence, special ones included.
        before: Special token ids before a sentence.
        after: Special token ids behind it.

    References:
        Liu et al. (2019), RoBERTa, section 4.2.
    """

    tokenizer: PreTrainedTokenizerFast
    kind: Literal["lines", "packed"]
    max_length: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        kind: Literal["lines", "packed"],
        max_length: int,
    ) -> Self:
        """Ask the tokenizer for its special tokens and its limit.

        Args:
            tokenizer: The model's tokenizer.
            kind: Whole lines, or packed.
            max_length: A limit of the caller's own, in tokens.

        Returns:
            The sequencer.

        Raises:
            SequenceLengthError: If the limit leaves no room for text.
            UnsupportedTokenizerError: If the tokenizer has no token for plain text.
        """
        before, after = special_affixes(tokenizer)
        limit = sequence_limit(tokenizer, max_length)
        check_length(limit, len(before) + len(after))
        return cls(tokenizer, kind, limit, tuple(before), tuple(after))

    def __call__(self, lines: Iterable[str]) -> Iterator[list[int]]:
        """Encode lines, a thousand at a time.

        Args:
            lines: Lines with content.

        Yields:
            Token ids of one sequence.
        """
        parts = self._parts(lines)
        if self.kind == "lines":
            yield from ([*self.before, *part] for part in parts)
        else:
            yield from self._packed(parts)

    def _parts(self, lines: Iterable[str]) -> Iterator[list[int]]:
        """Give the ids of lines, or of parts of long ones, with the special tokens behind them."""
        room = self.max_length - len(self.before) - len(self.after)
        iterator = iter(lines)
        while batch := list(itertools.islice(iterator, _LINES_AT_A_TIME)):
            id_lists = token_ids(self.tokenizer, batch)
            for ids in without_special_ids(self.tokenizer, id_lists):
                yield from ([*part, *self.after] for part in _equal_parts(ids, room))

    def _packed(self, parts: Iterable[list[int]]) -> Iterator[list[int]]:
        sequence: list[int] = []
        for part in parts:
            if sequence and len(sequence) + len(part) > self.max_length:
                yield sequence
                sequence = []
            sequence = [*(sequence or self.before), *part]
        if sequence:
            yield sequence


def _equal_parts(ids: list[int], room: int) -> Iterator[list[int]]:
    """Cut ids into as few parts as fit, of about equal length; no ids are no part."""
    num_parts = -(-len(ids) // room)
    borders = [len(ids) * number // num_parts for number in range(num_parts + 1) if num_parts]
    for start, end in itertools.pairwise(borders):
        yield ids[start:end]
