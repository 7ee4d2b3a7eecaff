"""What a trimmed vocabulary means for a language: values of the plan, computed from counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedTokenizerFast

from tinyglot.data.text import TextSource
from tinyglot.data.token_counts import TokenCounts, count_tokens

_ENOUGH_BYTES = 20_000


class TextStatistics(BaseModel):
    """How a tokenizer splits a text.

    Attributes:
        num_lines: Lines of the text.
        num_words: Words, separated by white space.
        num_tokens: Tokens, without special ones.
        fertility: Tokens a word.
        unk_rate: Share of the tokens that are unknown, 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class LanguageReport(BaseModel):
    """One language before and after.

    Attributes:
        language: Tag.
        text: The whole text, under the original tokenizer.
        num_distinct_tokens: Different tokens in the text.
        num_chosen_tokens: Those that coverage and budget chose for this language.
        token_coverage: Share of the text's token occurrences whose token is kept, 0 to 1.
        held_out_before: Held-out lines under the original tokenizer.
        held_out_after: The same lines under a vocabulary chosen without them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    text: TextStatistics
    num_distinct_tokens: int
    num_chosen_tokens: int
    token_coverage: float
    held_out_before: TextStatistics | None
    held_out_after: TextStatistics | None

    def line(self) -> str:
        """Say it in one line.

        Returns:
            Coverage, fertility and unknown rate.
        """
        text = (
            f"{self.language}: {self.num_chosen_tokens:,} of {self.num_distinct_tokens:,} tokens "
            f"seen, coverage {self.token_coverage:.4f}, fertility {self.text.fertility:.3f}"
        )
        before, after = self.held_out_before, self.held_out_after
        if before is None or after is None:
            return text
        return text + (
            f"; held out ({before.num_lines:,} lines): fertility {before.fertility:.3f} -> "
            f"{after.fertility:.3f}, unknown {before.unk_rate:.4%} -> {after.unk_rate:.4%}"
        )


@dataclass(frozen=True)
class TextCounts:
    """Token counts per language: the lines that choose, and the ones held out.

    Attributes:
        fit: Counts of the lines that are not held out.
        held_out: Counts of the others.
        sources: The texts themselves.
        share: Share of the lines held out.
    """

    fit: Mapping[str, TokenCounts]
    held_out: Mapping[str, TokenCounts]
    sources: Mapping[str, TextSource]
    share: float

    @property
    def has_held_out(self) -> bool:
        """Whether any line is held out."""
        return any(counts.num_lines for counts in self.held_out.values())

    @property
    def whole(self) -> dict[str, NDArray[np.int64]]:
        """Occurrences by token id over all lines, per language."""
        return {tag: fit.counts + self.held_out[tag].counts for tag, fit in self.fit.items()}

    def fit_counts(self) -> dict[str, NDArray[np.int64]]:
        """Give the occurrences by token id without the held-out lines.

        Returns:
            Counts per language.
        """
        return {tag: counts.counts for tag, counts in self.fit.items()}

    def statistics(self) -> dict[str, TextStatistics]:
        """Sum up the whole texts.

        Returns:
            Statistics per language.
        """
        return {tag: TextStatistics.of(fit + self.held_out[tag]) for tag, fit in self.fit.items()}

    def recount_held_out(self, tokenizer: PreTrainedTokenizerFast) -> dict[str, TextStatistics]:
        """Tokenise the held-out lines with another tokenizer.

        Args:
            tokenizer: Of another vocabulary.

        Returns:
            Statistics per language that has held-out lines.
        """
        return {
            tag: TextStatistics.of(_count(tokenizer, source, self.share, "held_out"))
            for tag, source in self.sources.items()
            if self.held_out[tag].num_lines
        }


def count_texts(
    tokenizer: PreTrainedTokenizerFast, share: float, sources: Mapping[str, TextSource]
) -> TextCounts:
    """Count the tokens of every language's text.

    Args:
        tokenizer: The original one.
        share: Share of the lines to hold out.
        sources: Text per language.

    Returns:
        The counts.
    """
    fit = {tag: _count(tokenizer, text, share, "train") for tag, text in sources.items()}
    held_out = {tag: _count(tokenizer, text, share, "held_out") for tag, text in sources.items()}
    return TextCounts(fit, held_out, sources, share)


def _count(
    tokenizer: PreTrainedTokenizerFast,
    source: TextSource,
    share: float,
    part: Literal["train", "held_out"],
) -> TokenCounts:
    # a few lines held out of a small text would estimate nothing
    used = share if source.num_bytes >= _ENOUGH_BYTES else 0.0
    return count_tokens(tokenizer, source, held_out_share=used, part=part)


def report_language(
    tag: str,
    texts: TextCounts,
    chosen: NDArray[np.int64],
    kept: Sequence[int],
    held_out_after: TextStatistics | None,
) -> LanguageReport:
    """Say what a vocabulary means for one language.

    Args:
        tag: The language.
        texts: All counts.
        chosen: Token ids that coverage and budget chose for it.
        kept: Token ids that stay for all languages.
        held_out_after: Its held-out lines under the vocabulary chosen without them.

    Returns:
        The report.
    """
    counts = texts.whole[tag]
    has_held_out = held_out_after is not None
    return LanguageReport(
        language=tag,
        text=texts.statistics()[tag],
        num_distinct_tokens=int(np.count_nonzero(counts)),
        num_chosen_tokens=len(chosen),
        token_coverage=float(counts[np.asarray(kept)].sum() / max(1, counts.sum())),
        held_out_before=TextStatistics.of(texts.held_out[tag]) if has_held_out else None,
        held_out_after=held_out_after,
    )
