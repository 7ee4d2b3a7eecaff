"""What a trimmed vocabulary means for a language: values of the plan, computed from counts."""

from pydantic import BaseModel, ConfigDict

from tinyglot.data.token_counts import TokenCounts


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
            fertility=counts.num_tokens / max(1, counts.num_words),
            unk_rate=counts.num_unknown / max(1, counts.num_tokens),
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
