"""Which of the paper's findings hold, by criteria that were written before the study was run."""

from collections.abc import Iterator, Sequence

import polars as pl

from tinyglot.studies.observations.text import counted, listed, signed
from tinyglot.studies.observations.verdicts import (
    CLEAR,
    EVERY,
    Difference,
    Observation,
    Part,
    Verdict,
    differences_of,
    judge_clear,
    judge_every,
    seeds_of,
)
from tinyglot.studies.structured.blocks import ALONE, DENSE, RATIO, StructuredBlock, differences
from tinyglot.studies.structured.tables import MACRO, ratio_title

SIMPLE = "taylor"
LEARNT = ("l0", "movement")
CONTROL = "random"
LITTLE = 0.01
NO_BETTER = (
    "holds if at every share the mean difference is below 1 point and not clearly above 0 (its "
    "interval over seeds does not exclude 0 on that side); does not hold if it is clearly above 0 "
    "at more than half of the shares"
)


def judge_structured(block: StructuredBlock) -> tuple[Observation, ...]:
    """Judge what the paper found on settings and algorithms.

    Args:
        block: Rows of one model, task, data set, split and metric.

    Returns:
        Observations S1 to S3; those of which nothing was run are left out.
    """
    found = (
        Observation(
            "S1",
            "A mask for each language does not beat one mask for all (Li et al. 2022).",
            tuple(_settings(block)),
        ),
        Observation(
            "S2",
            "The simplest algorithm wins (Li et al. 2022); here: importance by one gradient "
            "against gates that are learnt.",
            tuple(_algorithms(block)),
        ),
        Observation(
            "S3",
            "Which units go matters: the control.",
            tuple(_control(block)),
        ),
    )
    return tuple(one for one in found if one.parts)


def judge_no_better(found: Sequence[Difference]) -> Verdict:
    """Judge whether none of some differences is a gain.

    Args:
        found: One a share; may be none.

    Returns:
        By the criterion ``NO_BETTER``.
    """
    clear = sum(one.is_clearly_above for one in found)
    if found and 2 * clear > len(found):
        return Verdict.fails
    none = bool(found) and not clear and all(one.value < LITTLE for one in found)
    return Verdict.holds if none else Verdict.unsaid


def _settings(block: StructuredBlock) -> Iterator[Part]:
    for name in block.rows.filter(way=ALONE)["algorithm"].unique().sort():
        found = differences(block.side(name, ALONE), block.side(name))
        macro = found.filter(language=MACRO)
        claim = f"Averaged over languages, masks of single languages are no better ({name})."
        yield Part(
            claim, NO_BETTER, judge_no_better(differences_of(macro)), _numbers(block, macro),
            block.rows["language"].n_unique(), seeds_of(macro),
        )  # fmt: skip
        for language in sorted(set(found["language"]) - {MACRO}):
            own = found.filter(language=language)
            yield Part(
                f"For {language}, its own mask is no better ({name}).", NO_BETTER,
                judge_no_better(differences_of(own)), _numbers(block, own), 1, seeds_of(own),
                is_side=True,
            )  # fmt: skip


def _algorithms(block: StructuredBlock) -> Iterator[Part]:
    for other in LEARNT:
        found = _macro(block, SIMPLE, other)
        if len(found):
            claim = f"{SIMPLE} is better than {other} at every share."
            yield _part(block, claim, EVERY, found, judge_every(differences_of(found)))
    found = _macro(block, "magnitude", SIMPLE)
    if len(found):
        claim = f"magnitude, which needs no data, is better than {SIMPLE} at every share."
        yield _part(block, claim, EVERY, found, judge_every(differences_of(found)), is_side=True)


def _control(block: StructuredBlock) -> Iterator[Part]:
    for name in block.algorithms:
        found = _macro(block, name, CONTROL)
        if name != CONTROL and len(found):
            claim = f"{name} is better than a random mask at every share."
            verdict = judge_clear(differences_of(found))
            yield _part(block, claim, CLEAR, found, verdict, is_side=name != SIMPLE)


def _macro(block: StructuredBlock, first: str, second: str) -> pl.DataFrame:
    sides = (block.side(first), block.side(second))
    if any(side.is_empty() for side in sides) or DENSE in (first, second):
        return pl.DataFrame()
    return differences(*sides).filter(language=MACRO)


def _part(
    block: StructuredBlock,
    claim: str,
    criterion: str,
    found: pl.DataFrame,
    verdict: Verdict,
    *,
    is_side: bool = False,
) -> Part:
    languages = block.rows["language"].n_unique()
    numbers = _numbers(block, found)
    return Part(claim, criterion, verdict, numbers, languages, seeds_of(found), is_side)


def _numbers(block: StructuredBlock, found: pl.DataFrame) -> str:
    each = differences_of(found)
    shown = [
        f"{ratio_title(ratio)}: {signed(one, block.scale)}"
        for ratio, one in zip(found[RATIO], each, strict=True)
    ]
    return f"{listed(shown)} {block.scale.unit}; {counted(each)}"
