"""Counts of the languages' texts, taken in one pass, with memory that does not grow with them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from pydantic import BaseModel
from transformers import PreTrainedTokenizerFast

from tinyglot.data.text import TextSource, is_held_out
from tinyglot.data.token_counts import TokenCounter, TokenCounts
from tinyglot.methods.vocabulary_trimming.select import RankedTokens, rank_tokens
from tinyglot.progress import Bar, progress_bar

_LINES_AT_A_TIME = 1000
_MIN_BYTES_TO_SPLIT = 20_000
_MAX_HELD_OUT_BYTES = 1_000_000


class TextStatistics(BaseModel, frozen=True, extra="forbid"):
    """How a tokenizer splits a text.

    Attributes:
        num_lines: Lines of the text.
        num_words: Words, separated by white space; few in languages written without it.
        num_tokens: Tokens, without special ones.
        fertility: Tokens a word.
        unk_rate: Share of the tokens that are unknown or lone bytes, 0 to 1.
    """

    num_lines: int
    num_words: int
    num_tokens: int
    fertility: float
    unk_rate: float

    @classmethod
    def of(cls, counts: TokenCounts) -> "TextStatistics":
        """Sum up counts.

        Args:
            counts: Of one text.

        Returns:
            The statistics; rates of an empty text are 0.
        """
        return cls(
            num_lines=counts.num_lines,
            num_words=counts.num_words,
            num_tokens=counts.num_tokens,
            fertility=counts.fertility,
            unk_rate=counts.unk_rate,
        )


@dataclass(frozen=True)
class CountedText:
    """What is remembered of a language's text.

    Attributes:
        tokens: Of all lines.
        tokens_to_fit: Of the lines that are not held out.
        statistics: All lines under the original tokenizer.
        held_out: The held-out lines under the original tokenizer; ``None`` if there are none.
        held_out_lines: The held-out lines.
    """

    tokens: RankedTokens
    tokens_to_fit: RankedTokens
    statistics: TextStatistics
    held_out: TextStatistics | None
    held_out_lines: tuple[str, ...]


def count_texts(
    tokenizer: PreTrainedTokenizerFast,
    unknown_token_ids: Collection[int],
    held_out_share: float,
    sources: Mapping[str, TextSource],
) -> dict[str, CountedText]:
    """Count the tokens of every language's text, with some lines held out.

    No line is held out of a text below 20 kB, where they would estimate nothing, and about 1 MB
    at most of a long one.

    Args:
        tokenizer: The original one.
        unknown_token_ids: Tokens that count as unknown.
        held_out_share: Share of the lines to hold out, 0 to 1.
        sources: Text by language.

    Returns:
        Counts by language.

    Raises:
        EmptyTextError: If a text has no line with content.
        TextEncodingError: If a file is not UTF-8 or damaged.
        DataFormatError: If a file has no text field or broken JSON lines.
    """
    counted = {}
    with progress_bar("Counting tokens", sum(text.num_bytes for text in sources.values())) as bar:
        for language, source in sources.items():
            counter = TokenCounter(tokenizer, unknown_token_ids)
            held_out = _count_and_split(counter, source, held_out_share, bar)
            counted[language] = _counted(counter, held_out, tokenizer, unknown_token_ids)
    return counted


def _count_and_split(
    counter: TokenCounter, source: TextSource, share: float, bar: Bar
) -> list[str]:
    """Count the lines that are not held out, and give the others."""
    share = _share_to_hold_out(source.num_bytes, share)
    held_out: list[str] = []
    for batch in source.batches(_LINES_AT_A_TIME, bar.advance):
        apart = [is_held_out(line, share) for line in batch]
        held_out += compress(batch, apart)
        counter.add([line for line, out in zip(batch, apart, strict=True) if not out])
    return held_out


def _share_to_hold_out(num_bytes: int, share: float) -> float:
    if num_bytes < _MIN_BYTES_TO_SPLIT:
        return 0.0
    return min(share, _MAX_HELD_OUT_BYTES / num_bytes)


def _counted(
    counter: TokenCounter,
    held_out: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    unknown_token_ids: Collection[int],
) -> CountedText:
    fit, rest = counter.result(), count_lines(tokenizer, unknown_token_ids, held_out)
    whole = fit + rest
    if not fit.num_tokens:  # nothing would be left to choose from
        fit, held_out = whole, ()
    return CountedText(
        tokens=rank_tokens(whole.counts),
        tokens_to_fit=rank_tokens(fit.counts),
        statistics=TextStatistics.of(whole),
        held_out=TextStatistics.of(rest) if held_out else None,
        held_out_lines=tuple(held_out),
    )


def count_lines(
    tokenizer: PreTrainedTokenizerFast, unknown_token_ids: Collection[int], lines: Sequence[str]
) -> TokenCounts:
    """Count the tokens of some lines.

    Args:
        tokenizer: Any fast tokenizer.
        unknown_token_ids: Tokens that count as unknown.
        lines: The lines.

    Returns:
        The counts.
    """
    counter = TokenCounter(tokenizer, unknown_token_ids)
    counter.add(lines)
    return counter.result()
