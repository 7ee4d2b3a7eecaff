"""When an observation holds, does not hold, or cannot be said.

Written before the study was run; made less inclined to a verdict in review, after its first seed
had been looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import polars as pl

SIGNIFICANT = 0.05
ROUNDING = 1e-9
MIN_SEEDS = 2
MIN_CLEAR = 2
AS_FAR = ", as far as it can be said"


class Verdict(StrEnum):
    """What the numbers say of a claim."""

    holds = "holds"
    fails = "does not hold"
    unsaid = "cannot be said"


@dataclass(frozen=True)
class Part:
    """One claim of an observation.

    Attributes:
        claim: As a sentence that can be wrong.
        criterion: When it holds, and when it does not; else it cannot be said.
        by_criterion: The verdict by the criterion, whatever the number of seeds.
        numbers: What it was judged by.
        num_languages: That were looked at.
        num_seeds: The fewest and the most that a number is the mean of.
        is_side: Whether the verdict of the observation leaves it out.
    """

    claim: str
    criterion: str
    by_criterion: Verdict
    numbers: str
    num_languages: int
    num_seeds: tuple[int, ...]
    is_side: bool = False

    @property
    def has_too_few_seeds(self) -> bool:
        """Whether a number that counts is of one seed, or of none that is whole."""
        return any(count < MIN_SEEDS for count in self.num_seeds)

    @property
    def verdict(self) -> Verdict:
        """By the criterion; nothing is said of one seed."""
        return Verdict.unsaid if self.has_too_few_seeds else self.by_criterion


@dataclass(frozen=True)
class Observation:
    """One of O1 to O6.

    Attributes:
        name: Such as ``O1``.
        claim: What the paper says.
        parts: Claims that are judged one by one.
        note: What limits all of them.
    """

    name: str
    claim: str
    parts: tuple[Part, ...]
    note: str = ""

    @property
    def verdict(self) -> str:
        """What all main claims that can be said agree on, and whether that is all of them."""
        found = {part.verdict for part in self.parts if not part.is_side}
        said = found - {Verdict.unsaid}
        if len(said) > 1:
            return "holds in part"
        limit = AS_FAR if said and Verdict.unsaid in found else ""
        return f"{next(iter(said), Verdict.unsaid)}{limit}"


class Difference(NamedTuple):
    """A difference with half of its interval over seeds; ``None`` where there is one seed."""

    value: float
    half_width: float | None

    @property
    def is_above(self) -> bool:
        """Whether the mean is above 0, by more than rounding."""
        return self.value > ROUNDING

    @property
    def is_clearly_above(self) -> bool:
        """Whether the interval is above 0."""
        return self.half_width is not None and self.value > self.half_width + ROUNDING

    @property
    def is_clearly_below(self) -> bool:
        """Whether the interval is below 0."""
        return self.half_width is not None and -self.value > self.half_width + ROUNDING


EVERY = (
    "holds if every difference of the means over seeds is above 0; does not hold if one is clearly "
    "below 0 (its interval over seeds excludes 0)"
)
MOST = (
    "holds if more than half of the differences of the means over seeds are above 0 and at least "
    "two more are clearly above than clearly below 0 (interval over seeds); does not hold if not "
    "more than half are above and at least two more are clearly below than above"
)
CLEAR = (
    "holds if every difference is clearly above 0 (its interval over seeds excludes 0); does not "
    "hold if one is clearly below"
)
RANKED = (
    f"holds if Kendall's tau is positive at every such sparsity, each with p < {SIGNIFICANT}; does "
    f"not hold if it is negative with p < {SIGNIFICANT} at one and positive with it at none"
)


def judge_every(differences: Sequence[Difference]) -> Verdict:
    """Judge whether all differences are above 0.

    Args:
        differences: Of languages and sparsities; may be none.

    Returns:
        By the criterion ``EVERY``.
    """
    if any(one.is_clearly_below for one in differences):
        return Verdict.fails
    above = bool(differences) and all(one.is_above for one in differences)
    return Verdict.holds if above else Verdict.unsaid


def judge_most(differences: Sequence[Difference]) -> Verdict:
    """Judge whether most differences are above 0.

    Args:
        differences: Of languages; may be none.

    Returns:
        By the criterion ``MOST``.
    """
    above = sum(one.is_above for one in differences)
    clear = sum(one.is_clearly_above for one in differences)
    clear -= sum(one.is_clearly_below for one in differences)
    most = 2 * above > len(differences)
    if most and clear >= MIN_CLEAR:
        return Verdict.holds
    return Verdict.fails if not most and clear <= -MIN_CLEAR else Verdict.unsaid


def judge_clear(differences: Sequence[Difference]) -> Verdict:
    """Judge whether single differences are beyond doubt.

    Args:
        differences: May be none.

    Returns:
        By the criterion ``CLEAR``.
    """
    if any(one.is_clearly_below for one in differences):
        return Verdict.fails
    sure = bool(differences) and all(one.is_clearly_above for one in differences)
    return Verdict.holds if sure else Verdict.unsaid


def judge_ranked(found: Sequence[dict[str, Any]]) -> Verdict:
    """Judge correlations.

    Args:
        found: With ``tau`` and ``p_value``; null where there are too few languages.

    Returns:
        By the criterion ``RANKED``.
    """
    known = [one for one in found if one["tau"] is not None]
    sure = [one["tau"] for one in known if one["p_value"] < SIGNIFICANT]
    if sure and max(sure) < 0:
        return Verdict.fails
    every = bool(known) and len(sure) == len(known) and min(sure) > 0
    return Verdict.holds if every else Verdict.unsaid


def differences_of(rows: pl.DataFrame, column: str = "delta") -> list[Difference]:
    """Read differences from rows.

    Args:
        rows: With the column and ``half_width``.
        column: The difference.

    Returns:
        One a row.
    """
    return [Difference(*pair) for pair in rows.select(column, "half_width").iter_rows()]


def seeds_of(rows: pl.DataFrame) -> tuple[int, ...]:
    """Say how many seeds stand behind rows: the fewest and the most.

    Args:
        rows: With ``num_seeds``.

    Returns:
        One or two numbers; none for no rows.
    """
    counts = rows["num_seeds"].unique().sort().to_list() if len(rows) else []
    return tuple(dict.fromkeys([counts[0], counts[-1]])) if counts else ()
