"""What each basis of width reduction leaves of the hidden states before any training."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class WidthReductionRow(Strict):
    """One cut of the model of one language.

    ``state_error``: of the best linear map from the new last hidden states back to the old ones,
    fitted on the tokens of half of the lines and measured on the other half, both ways: norm of
    the difference over the norm of the old states around their mean. ``similarity``: Spearman
    correlation of the cosines of all pairs of mean-pooled, centred sentences with the old cosines.
    """

    language: str
    hidden_size: int
    heads: Literal["whole", "narrowed"]
    basis: str
    num_parameters: int
    explained_variance: float | None
    state_error: float
    similarity: float


class WidthReduction(Strict):
    """Hidden states of the bundled encoder, trimmed to a language, after cuts of its width."""

    benchmark: Literal["width_reduction"] = "width_reduction"
    model: str
    vocabulary_size: int
    num_parameters: dict[str, int]
    num_lines: int
    num_tokens: dict[str, int]
    num_calibration_tokens: dict[str, int]
    rows: tuple[WidthReductionRow, ...] = Field(min_length=1)


def width_reduction_table(result: WidthReduction) -> Iterator[str]:
    """Show a row a cut: parameters, and what is left by language."""
    tags = list(result.num_parameters)
    before = next(iter(result.num_parameters.values()))
    tokens = ", ".join(f"{count:,} tokens {tag}" for tag, count in result.num_tokens.items())
    fitted = ", ".join(f"{n:,} {tag}" for tag, n in result.num_calibration_tokens.items())
    yield (
        f"The bundled {result.model} ({before / 1e6:.1f} M parameters, hidden size 384, "
        f"{result.vocabulary_size:,} tokens of one language), **untrained after the cut**, on "
        f"{result.num_lines} unseen lines a language ({tokens}). Error: of the last hidden states, "
        "as far as a linear map can bring them back (fitted on half of the lines, measured on the "
        "other, both ways); 1 is no better than their mean. Similarity: rank correlation of the "
        "cosines of all pairs of mean-pooled sentences with those before. Measured and fitted on "
        f"other lines ({fitted} tokens). n = 1 seed."
    )
    yield ""
    head = [f"{what} {tag}" for tag in tags for what in ("error", "similarity")]
    yield f"| hidden size | heads | basis | parameters | {' | '.join(head)} |"
    yield "|---" * (4 + len(head)) + "|"
    for first in (row for row in result.rows if row.language == tags[0]):
        yield _line(first, [_same(result, first, tag) for tag in tags])


def _same(result: WidthReduction, row: WidthReductionRow, tag: str) -> WidthReductionRow | None:
    """Find the same cut in another language, if it was measured there."""
    alike = ("hidden_size", "heads", "basis")
    for other in result.rows:
        if other.language == tag and all(getattr(other, k) == getattr(row, k) for k in alike):
            return other
    return None


def _line(row: WidthReductionRow, found: list[WidthReductionRow | None]) -> str:
    cells = [str(row.hidden_size), row.heads, row.basis, f"{row.num_parameters / 1e6:.1f} M"]
    for each in found:
        cells += [f"{each.state_error:.3f}", f"{each.similarity:.3f}"] if each else ["", ""]
    return f"| {' | '.join(cells)} |"
