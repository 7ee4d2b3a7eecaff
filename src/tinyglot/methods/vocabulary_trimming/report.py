"""What a trimmed vocabulary means for each language, as values and as a table."""

from collections.abc import Collection, Sequence

import numpy as np
from pydantic import BaseModel

from tinyglot.methods.vocabulary_trimming.texts import CountedText, TextStatistics

_HEADER = (
    "language",
    "seen",
    "chosen",
    "kept",
    "coverage",
    "held out",
    "tokens per word",
    "unknown",
)


class LanguageReport(BaseModel, frozen=True, extra="forbid"):
    """One language before and after.

    Attributes:
        language: Tag.
        num_distinct_tokens: Different tokens in the text.
        num_chosen_tokens: Tokens that coverage and budget chose for this language, with those
            that they are made of.
        num_kept_tokens: Different tokens of the text that stay.
        token_coverage: Share of the text's token occurrences whose token stays, 0 to 1.
        text: The whole text under the original tokenizer.
        held_out_before: Held-out lines under the original tokenizer, if any.
        held_out_after: The same lines under a vocabulary chosen without them.
    """

    language: str
    num_distinct_tokens: int
    num_chosen_tokens: int
    num_kept_tokens: int
    token_coverage: float
    text: TextStatistics
    held_out_before: TextStatistics | None
    held_out_after: TextStatistics | None

    def cells(self) -> tuple[str, ...]:
        """Give its row of the table.

        Returns:
            One text a column.
        """
        before, after = self.held_out_before or self.text, self.held_out_after
        held_out, fertility, unk_rate = "-", f"{before.fertility:.3f}", f"{before.unk_rate:.2%}"
        if after is not None:
            held_out = f"{before.num_lines:,} lines"
            fertility += f" -> {after.fertility:.3f}"
            unk_rate += f" -> {after.unk_rate:.2%}"
        return (
            self.language,
            f"{self.num_distinct_tokens:,}",
            f"{self.num_chosen_tokens:,}",
            f"{self.num_kept_tokens:,}",
            f"{self.token_coverage:.2%}",
            held_out,
            fertility,
            unk_rate,
        )


def report_language(
    language: str,
    text: CountedText,
    chosen: Collection[int],
    kept: Collection[int],
    held_out_after: TextStatistics | None,
) -> LanguageReport:
    """Say what a vocabulary means for one language.

    Args:
        language: Tag.
        text: Its counts.
        chosen: Token ids that it chose.
        kept: Token ids that stay for all languages.
        held_out_after: Its held-out lines under a vocabulary chosen without them.

    Returns:
        The report.
    """
    stays = np.isin(text.tokens.token_ids, np.fromiter(kept, np.int64))
    return LanguageReport(
        language=language,
        num_distinct_tokens=len(stays),
        num_chosen_tokens=len(chosen),
        num_kept_tokens=int(stays.sum()),
        token_coverage=float(text.tokens.counts[stays].sum() / text.tokens.counts.sum()),
        text=text.statistics,
        held_out_before=text.held_out,
        held_out_after=held_out_after,
    )


def report_table(reports: Sequence[LanguageReport]) -> list[str]:
    """Set the reports under each other.

    Args:
        reports: One a language.

    Returns:
        Lines of equal columns, the header first.
    """
    rows = [_HEADER, *(report.cells() for report in reports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
