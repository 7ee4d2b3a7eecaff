"""O4 and O5: perturbed mentions, and what pruning embeddings does to regular and perturbed text."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tinyglot.studies.observations.text import listed, signed
from tinyglot.studies.observations.verdicts import (
    EVERY,
    Difference,
    Observation,
    Part,
    Verdict,
    differences_of,
    judge_every,
    seeds_of,
)
from tinyglot.studies.views.blocks import DENSE, Block, in_charts, in_order
from tinyglot.studies.views.differences import (
    REGULAR,
    beside_dense,
    beside_embeddings,
    beside_regular,
)
from tinyglot.studies.views.robustness import mean_fractions
from tinyglot.studies.views.seeds import average_languages, average_pairs
from tinyglot.studies.views.table import languages_text

SCOPES = ("in-language", "in-script", "in-family")
COLLAPSED, KEPT = 0.10, 0.50
FLOOR = 0.20
EQUAL, DECISIVE = 0.02, 0.10
A_LITTLE = 0.7
GROUP = ("setting", "perturbation", "variant", "level", "sparsity")
RUN = ("setting", "trained", *GROUP[1:])


def perturbed_mentions(block: Block) -> Observation:
    """Judge O4.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with its parts.
    """
    scopes = pl.col("perturbation").is_in(SCOPES)
    fractions = in_order(in_charts(_fractions(block).filter(scopes)))
    return Observation(
        "O4",
        "Dense models collapse where mentions are replaced (mean F1 of monolingual models .019), "
        "pruning without the embeddings recovers it at any sparsity (.686 at 50 %), pruning them "
        "as well does not (.015); the same in all three scopes.",
        (
            _collapses(
                "Dense models collapse on replaced mentions.",
                fractions.filter(level=DENSE).unique(
                    ["setting", "perturbation"], maintain_order=True
                ),
            ),
            _recovers(block),
            _collapses(
                "Models whose embeddings are pruned as well collapse, too.",
                fractions.filter(pl.col("level") != DENSE, variant="include"),
            ),
        ),
    )


def pruned_embeddings(block: Block) -> Observation:
    """Judge O5.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with its parts.
    """
    macro = in_order(in_charts(average_pairs(beside_embeddings(block), GROUP)))
    little = macro.filter(pl.col("sparsity") <= A_LITTLE, perturbation=REGULAR)
    perturbed = macro.filter(perturbation=SCOPES[0])
    return Observation(
        "O5",
        "Pruning the embeddings as well hardly matters on regular text (mean F1 .8066 and .8057 at "
        "50 %) but decides robustness.",
        (_hardly_matters(block, little), _decides(block, perturbed)),
    )


# --- O4 -----------------------------------------------------------------------------------------


def _collapses(claim: str, fractions: pl.DataFrame) -> Part:
    kept = fractions.filter(pl.col("regular") >= FLOOR)
    lines = [_fraction_line(row) for row in kept.iter_rows(named=True)]
    low = [_place(row) for row in fractions.filter(pl.col("regular") < FLOOR).rows(named=True)]
    left_out = f"left out, regular macro F1 below {100 * FLOOR:g}: {' / '.join(low)}"
    return Part(
        claim,
        f"holds if perturbed F1 / regular F1 (mean over languages) is below {COLLAPSED} in every "
        f"scope, with its whole interval over seeds; does not hold if it is above {KEPT} in one, "
        f"with its whole interval; where regular macro F1 is below {100 * FLOOR:g} points the "
        "fraction is not looked at",
        _judge_collapse([Difference(*one) for one in kept.select("value", "half_width").rows()]),
        listed([*lines, left_out] if low else lines),
        max(kept["num_languages"], default=0),
        seeds_of(kept),
    )


def _fractions(block: Block) -> pl.DataFrame:
    """Add to the fractions of means their interval over seeds and the regular macro-average."""
    pairs = beside_regular(block).filter(pl.col("other") > 0)
    ratios = pairs.with_columns(ratio=pl.col("value") / pl.col("other"))
    spread = average_languages(ratios, RUN, "ratio").select(*RUN, "half_width")
    regular = average_languages(pairs, RUN, "other").select(*RUN, regular="other")
    whole = mean_fractions(block)
    for side in (spread, regular):
        whole = whole.join(side, on=RUN, how="left", maintain_order="left")
    return whole


def _fraction_line(row: Mapping[str, Any]) -> str:
    spread = row["half_width"]
    value = f"{row['value']:.3f}" if spread is None else f"{row['value']:.3f} ± {spread:.3f}"
    return f"{_place(row)}: {value} ({languages_text(row['num_languages'])})"


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['setting']}, {row['perturbation']}, {row['level']}"


def _judge_collapse(found: Sequence[Difference]) -> Verdict:
    widths = [one.half_width for one in found]
    if not found or None in widths:
        return Verdict.unsaid
    if any(one.value - (one.half_width or 0.0) > KEPT for one in found):
        return Verdict.fails
    below = all(one.value + (one.half_width or 0.0) < COLLAPSED for one in found)
    return Verdict.holds if below else Verdict.unsaid


def _recovers(block: Block) -> Part:
    scopes = pl.col("perturbation").is_in(SCOPES)
    pairs = in_charts(beside_dense(block).filter(scopes, variant="exclude"))
    rows = in_order(average_pairs(pairs, GROUP))
    lines = [
        f"{_place(row)}: {signed(Difference(row['delta'], row['half_width']), block.scale)} "
        f"({languages_text(row['num_languages'])})"
        for row in rows.iter_rows(named=True)
    ]
    return Part(
        "At any sparsity, models whose embeddings are not pruned score higher on replaced mentions "
        "than the dense ones (macro-averages).",
        EVERY,
        judge_every(differences_of(rows)),
        listed(lines),
        max(rows["num_languages"], default=0),
        seeds_of(rows),
    )


# --- O5 -----------------------------------------------------------------------------------------


def _hardly_matters(block: Block, rows: pl.DataFrame) -> Part:
    found = differences_of(rows)
    return Part(
        "On regular text it makes no difference whether embeddings are pruned as well (up to 70 %; "
        "macro-average without - with).",
        f"holds if every difference is at most {100 * EQUAL:g} points either way; does not hold if "
        "one is beyond that with its whole interval over seeds",
        _judge_equal(found),
        _listed(block, rows),
        max(rows["num_languages"], default=0),
        seeds_of(rows),
    )


def _judge_equal(found: Sequence[Difference]) -> Verdict:
    beyond = (
        one.half_width is not None and abs(one.value) - one.half_width > EQUAL for one in found
    )
    if any(beyond):
        return Verdict.fails
    equal = bool(found) and all(abs(one.value) <= EQUAL for one in found)
    return Verdict.holds if equal else Verdict.unsaid


def _decides(block: Block, rows: pl.DataFrame) -> Part:
    found = differences_of(rows)
    return Part(
        "On mentions replaced in-language it makes a large difference, for the worse "
        "(macro-average without - with).",
        f"holds if the difference is at least {100 * DECISIVE:g} points at every sparsity; does "
        "not hold if it is below that at every one, with its whole interval over seeds",
        _judge_decisive(found),
        _listed(block, rows),
        max(rows["num_languages"], default=0),
        seeds_of(rows),
    )


def _judge_decisive(found: Sequence[Difference]) -> Verdict:
    if found and all(one.value >= DECISIVE for one in found):
        return Verdict.holds
    below = all(
        one.half_width is not None and one.value + one.half_width < DECISIVE for one in found
    )
    return Verdict.fails if found and below else Verdict.unsaid


def _listed(block: Block, rows: pl.DataFrame) -> str:
    return listed(
        [
            f"{row['setting']}, {row['level']}: "
            f"{signed(Difference(row['delta'], row['half_width']), block.scale)} "
            f"({languages_text(row['num_languages'])})"
            for row in rows.iter_rows(named=True)
        ]
    )
