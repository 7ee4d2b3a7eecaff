"""O2 and O3: which languages gain by a little pruning, and which lose by much."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import polars as pl

from tinyglot.studies.observations.text import counted, listed, percent_change, signed
from tinyglot.studies.observations.verdicts import (
    EVERY,
    MOST,
    RANKED,
    Difference,
    Observation,
    Part,
    Verdict,
    differences_of,
    judge_every,
    judge_most,
    judge_ranked,
    seeds_of,
)
from tinyglot.studies.rows import MONOLINGUAL, MULTILINGUAL
from tinyglot.studies.views.blocks import Block, parts
from tinyglot.studies.views.correlations import rank_correlation, tau_text
from tinyglot.studies.views.differences import REGULAR, beside_dense
from tinyglot.studies.views.relative import grouped, groups_of, relative_differences
from tinyglot.studies.views.seeds import average_pairs, over_pairs
from tinyglot.studies.views.training import train_sizes

A_LITTLE, MUCH = 0.5, 0.7
KEYS = ("level", "sparsity")
PARTIAL = {"variant": "exclude", "perturbation": REGULAR}


def mild_pruning(block: Block) -> Observation:
    """Judge O2.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with its parts.
    """
    pairs = beside_dense(block).filter(pl.col("sparsity").is_between(A_LITTLE, MUCH), **PARTIAL)
    joint, alone = (pairs.filter(setting=name) for name in (MULTILINGUAL, MONOLINGUAL))
    return Observation(
        "O2",
        "Pruning 50 to 70 % of the weights but the embeddings raises F1 over the dense "
        "multilingual model for 26 of 40 languages, all those with the least data among them.",
        (
            *_by_level(joint, partial(_raises, block)),
            *_by_level(joint, partial(_raises_least, block)),
            *_by_level(alone, _not_alone),
        ),
    )


def heavy_pruning(block: Block) -> Observation:
    """Judge O3.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with its parts.
    """
    rows = relative_differences(block).filter(
        pl.col("sparsity") > MUCH, setting=MULTILINGUAL, **PARTIAL
    )
    sizes = train_sizes(block.rows)
    dense = dict(rows.select("language", "other").unique("language").iter_rows())
    sides = (("less training data", sizes), ("a lower dense score", dense))
    ways = (("relatively", "relative"), ("absolutely", "delta"))
    ranked = tuple(
        _ranked(rows, numbers, (side, way, column))
        for side, numbers in sides
        for way, column in ways
    )
    return Observation(
        "O3",
        "Beyond 70 % the order flips: the languages, families and scripts with the least data and "
        "the lowest dense score lose most, absolutely and relatively.",
        (*ranked, *(_groups(block, rows, by) for by in ("family", "script"))),
    )


# --- O2 -----------------------------------------------------------------------------------------


def _by_level(pairs: pl.DataFrame, judge: Callable[[str, pl.DataFrame], Part]) -> Iterator[Part]:
    """Judge each sparsity alone; what was not run at all is judged once, on nothing."""
    if pairs.is_empty():
        yield judge("50 to 70 %", pairs)
    for names, own in parts(pairs, ("level",)):
        yield judge(names["level"], own)


def _raises(block: Block, level: str, pairs: pl.DataFrame) -> Part:
    found = differences_of(over_pairs(pairs, ["language"]).sort("language"))
    macro = average_pairs(pairs, KEYS)
    means = [f"macro-average {signed(one, block.scale)}" for one in differences_of(macro)]
    return Part(
        f"At {level} most languages score higher than in the dense joint model (embeddings not "
        "pruned, regular text).",
        MOST,
        judge_most(found),
        listed([counted(found), *means] if found else []),
        len(found),
        seeds_of(macro),
    )


def _raises_least(block: Block, level: str, pairs: pl.DataFrame) -> Part:
    sizes = train_sizes(block.rows.filter(setting=MULTILINGUAL))
    least = min(sizes.values(), default=0)
    chosen = [tag for tag, size in sizes.items() if size == least]
    rows = over_pairs(pairs.filter(pl.col("language").is_in(chosen)), ["language"])
    found = differences_of(rows.sort("language"))
    tags = rows["language"].sort()
    return Part(
        f"At {level} so do all languages with the fewest training sentences ({least:,} here; "
        "100 in the paper).",
        EVERY,
        judge_every(found),
        listed([f"{t} {signed(one, block.scale)}" for t, one in zip(tags, found, strict=True)]),
        len(rows),
        seeds_of(rows),
    )


def _not_alone(level: str, pairs: pl.DataFrame) -> Part:
    rows = over_pairs(pairs, ["language"]).sort("language")
    found = [Difference(-one.value, one.half_width) for one in differences_of(rows)]
    return Part(
        f"At {level} it is not so in models of one language, most of which lose (8 of 10 at 50 % "
        "in the paper's table 6).",
        f"of dense - pruned: {MOST}",
        judge_most(found),
        listed([counted(found)] if found else []),
        len(rows),
        seeds_of(rows),
    )


# --- O3 -----------------------------------------------------------------------------------------


def _ranked(rows: pl.DataFrame, numbers: Mapping[str, float], names: tuple[str, str, str]) -> Part:
    side, way, column = names
    found = {
        own["level"]: rank_correlation(part, numbers, column)
        for own, part in parts(rows.sort("sparsity", "language"), ("level",))
    }
    lines = [
        f"{level}: {tau_text(one['tau'], one['p_value'], one['num_languages'])}"
        for level, one in found.items()
    ]
    noise = "; noise of the dense score itself works against it" if "dense" in side else ""
    return Part(
        f"Beyond 70 %, languages with {side} lose more, {way}.",
        f"of Kendall's tau between data or dense score and difference over languages: "
        f"{RANKED}{noise}",
        judge_ranked(list(found.values())),
        listed(lines),
        rows["language"].n_unique(),
        seeds_of(rows),
    )


def _groups(block: Block, rows: pl.DataFrame, by: str) -> Part:
    """Ask whether the group with the lowest dense score is the one that loses most."""
    whole = grouped(block, by).filter(pl.col("sparsity") > MUCH, setting=MULTILINGUAL, **PARTIAL)
    dense = _dense_by_group(block, rows, by)
    found = [_group_line(own, dense) for _, own in parts(whole, ("level",))]
    verdicts = [verdict for verdict, _ in found]
    several = len(dense) > 1
    return Part(
        f"Beyond 70 %, the {by} with the lowest dense score loses most, relatively.",
        f"holds if it is so at every such sparsity, of two or more groups by {by}; does not hold "
        "if it is so at none",
        _all_or_none(verdicts) if several else Verdict.unsaid,
        listed([line for _, line in found]),
        rows["language"].n_unique(),
        seeds_of(rows),
    )


def _dense_by_group(block: Block, rows: pl.DataFrame, by: str) -> dict[str, float]:
    groups = groups_of(block, by)
    single = rows.unique("language", maintain_order=True)
    named = single.with_columns(group=pl.col("language").replace_strict(groups))
    means = named.group_by("group").agg(pl.col("other").mean()).sort("other", "group")
    return dict(means.iter_rows())


def _group_line(rows: pl.DataFrame, dense: Mapping[str, float]) -> tuple[bool, str]:
    most = rows.sort("macro_average", "group").row(0, named=True)
    lowest = next(iter(dense), "")
    own = rows.filter(group=lowest)["macro_average"]
    text = (
        f"{rows['level'][0]}: {lowest} is lowest and changes by {_percent(own)}, "
        f"{most['group']} loses most ({percent_change(most['macro_average'])}, "
        f"{most['num_languages']} languages)"
    )
    return most["group"] == lowest, text


def _percent(values: pl.Series) -> str:
    return percent_change(values[0]) if len(values) else "an unknown amount"


def _all_or_none(found: Sequence[bool]) -> Verdict:
    if not found or (any(found) and not all(found)):
        return Verdict.unsaid
    return Verdict.holds if all(found) else Verdict.fails
