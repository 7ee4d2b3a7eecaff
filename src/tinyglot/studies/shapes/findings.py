"""Which findings on size and speed hold, by criteria that were written before the study was run."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import polars as pl
from scipy.stats import kendalltau

from tinyglot.studies.observations.verdicts import Observation, Part, Verdict
from tinyglot.studies.shapes.tables import CONDITION, cut_rows

FAST = 1.1
"""From how many times as fast on a model is called faster."""
SMALLER = 1.05
"""From how many times as small on a model is called smaller than another."""
MOST, FEW = 0.75, 0.25


def judge_shapes(rows: pl.DataFrame) -> tuple[Observation, ...]:
    """Judge the paper's finding on efficiency, and what it comes from.

    Args:
        rows: Of one model.

    Returns:
        Observations E1 to E3.
    """
    cuts = cut_rows(rows).with_columns(
        body=pl.col("num_parameters") - pl.col("num_embedding_parameters")
    )
    return (
        Observation(
            "E1",
            "A fast model is not necessarily a small one (Li et al. 2022).",
            (_small_not_fast(cuts), _differ(cuts)),
        ),
        Observation(
            "E2",
            "Embeddings make a multilingual model large and do not make it slow.",
            (_vocabulary(cuts), _body(cuts)),
        ),
        Observation(
            "E3",
            "Outside the embeddings, too, equal cuts are not equally fast.",
            (_heads_or_neurons(cuts), _layers(cuts)),
        ),
    )


def _verdict(hits: int, total: int) -> Verdict:
    if total and hits >= MOST * total:
        return Verdict.holds
    return Verdict.fails if total and hits <= FEW * total else Verdict.unsaid


def _part(claim: str, what: str, found: list[bool]) -> Part:
    hits = sum(found)
    return Part(
        claim=claim,
        criterion=f"holds if {what} in at least {MOST:.0%} of the cases, does not hold if in at "
        f"most {FEW:.0%} of them",
        by_criterion=_verdict(hits, len(found)),
        numbers=f"{hits} of {len(found)} cases" if found else "nothing of this was run",
        num_languages=0,
        num_seeds=(),
    )


def _groups(rows: pl.DataFrame, *columns: str) -> Iterator[list[dict[str, Any]]]:
    for part in rows.partition_by(*CONDITION, *columns, maintain_order=True):
        yield part.to_dicts()


def _num_shares(group: list[dict[str, Any]]) -> int:
    return len({one["removed"] for one in group})


def _small_not_fast(cuts: pl.DataFrame) -> Part:
    found = [
        any(
            one["num_parameters"] * SMALLER < other["num_parameters"] and one["high"] < other["low"]
            for one in group
            for other in group
        )
        for group in _groups(cuts)
        if _num_shares(group) > 1
    ]
    what = (
        f"two cut models can be found of which one is smaller by {SMALLER:g} times or more and "
        "slower, its interval below the other's,"
    )
    return _part("Of two cut models the smaller one can be the slower one.", what, found)


def _differ(cuts: pl.DataFrame) -> Part:
    found = [
        max(one["low"] for one in group) > min(one["high"] for one in group)
        for group in _groups(cuts, "removed")
        if len(group) > 1
    ]
    what = "the intervals of the fastest and the slowest of equal cuts do not overlap"
    return _part("Models of the same size are not equally fast.", what, found)


def _vocabulary(cuts: pl.DataFrame) -> Part:
    own = cuts.filter(part="vocabulary")
    found = [one["low"] <= FAST for one in own.iter_rows(named=True)]
    what = f"the model without a part of its vocabulary is not clearly {FAST:g} times as fast"
    return _part("A smaller vocabulary does not make the model faster.", what, found)


def _body(cuts: pl.DataFrame) -> Part:
    found = []
    for group in _groups(cuts):
        if _num_shares(group) < 2:
            continue  # at one share all have the same number of parameters
        speeds = [one["speedup"] for one in group]
        of_body = kendalltau([-one["body"] for one in group], speeds).statistic
        of_all = kendalltau([-one["num_parameters"] for one in group], speeds).statistic
        found.append(bool(of_body > of_all))
    what = (
        "Kendall's tau of speed with parameters outside the embeddings is above that with all "
        "parameters"
    )
    claim = "Parameters outside the embeddings tell the order of speed better than all do."
    return _part(claim, what, found)


def _heads_or_neurons(cuts: pl.DataFrame) -> Part:
    found = []
    for group in _groups(cuts.filter(pl.col("part").is_in(["heads", "ffn"])), "removed"):
        for one, other in pairwise(group):
            found.append(one["low"] > other["high"] or one["high"] < other["low"])
    what = "the intervals of the model without heads and of the one without neurons do not overlap"
    return _part("Heads and neurons of equal number of parameters differ in time.", what, found)


def _layers(cuts: pl.DataFrame) -> Part:
    found = []
    for group in _groups(cuts.filter(pl.col("part").is_in(["layers", "heads_and_ffn"])), "removed"):
        speeds = {one["part"]: one for one in group}
        if len(speeds) > 1:
            found.append(speeds["layers"]["low"] > speeds["heads_and_ffn"]["high"])
    what = "the interval of the model with fewer layers is above that of the one with thinner ones"
    return _part("Fewer layers are faster than as many thinner ones of equal size.", what, found)
