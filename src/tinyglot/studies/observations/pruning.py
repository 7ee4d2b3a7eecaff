"""O2 and O3: which languages gain by a little pruning, and which lose by much."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from tinyglot.reports.scale import PERCENTAGE_POINTS
from tinyglot.studies.observations.text import counted, listed, percent_change, signed
from tinyglot.studies.observations.verdicts import (
    CLEAR,
    EVERY,
    MOST,
    RANKED,
    Difference,
    Observation,
    Part,
    differences_of,
    judge_clear,
    judge_every,
    judge_most,
    judge_ranked,
    seeds_of,
)
from tinyglot.studies.rows import MONOLINGUAL, MULTILINGUAL
from tinyglot.studies.views.blocks import Block, parts
from tinyglot.studies.views.correlations import rank_correlation, tau_text
from tinyglot.studies.views.differences import REGULAR, beside_dense
from tinyglot.studies.views.relative import groups_of, relative_differences
from tinyglot.studies.views.seeds import average_pairs, over_pairs, pair
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
        (*ranked, *(_groups(block, by) for by in ("family", "script"))),
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
        is_side=True,
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
        is_side=True,
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
    limit = _power(numbers, rows["language"].unique())
    return Part(
        f"Beyond 70 %, languages with {side} lose more, {way}.",
        f"of Kendall's tau between data or dense score and difference over languages: "
        f"{RANKED}{noise}{limit}",
        judge_ranked(list(found.values())),
        listed(lines),
        rows["language"].n_unique(),
        seeds_of(rows),
    )


def _groups(block: Block, by: str) -> Part:
    """Ask whether the group with the lowest dense score is the one that loses most."""
    changes = _changes(block, by)
    apart = _apart(changes)
    members = changes.group_by("group").agg(pl.col("language").unique().sort())
    names = {group: _group_name(group, tags) for group, tags in members.iter_rows()}
    found = differences_of(apart)
    return Part(
        f"Beyond 70 %, the {by} with the lowest dense score loses most, relatively.",
        f"of the change of every other {by} - that of the one with the lowest dense score, seed by "
        f"seed: {CLEAR}; a {by} of one language is named as such",
        judge_clear(found),
        listed([_apart_line(row, names) for row in apart.iter_rows(named=True)]),
        changes["language"].n_unique(),
        seeds_of(apart),
        is_side=True,
    )


def _changes(block: Block, by: str) -> pl.DataFrame:
    """List each language's change of each seed, as a share of its dense score."""
    pairs = beside_dense(block).filter(
        pl.col("sparsity") > MUCH, pl.col("other") > 0, setting=MULTILINGUAL, **PARTIAL
    )
    groups = groups_of(block, by)
    return pairs.with_columns(
        pl.col("language").replace_strict(groups, return_dtype=pl.String).alias("group"),
        value=pl.col("value") / pl.col("other") - 1,
    )


def _apart(changes: pl.DataFrame) -> pl.DataFrame:
    """Subtract the change of the group with the lowest dense score from those of the others."""
    dense = changes.group_by("group").agg(pl.col("other").mean()).sort("other", "group")
    lowest = pl.col("group") == (dense["group"][0] if len(dense) else "")
    keys = [*KEYS, "group", "seed"]
    means = changes.group_by(keys, maintain_order=True).agg(pl.col("value").mean())
    sides = means.filter(~lowest), means.filter(lowest)
    own = sides[1].select("seed", *KEYS, "value", lowest="group")
    pairs = pair(sides[0], own, [*KEYS, "group"])
    found = over_pairs(pairs, [*KEYS, "group"]).sort("sparsity", "group")
    return found.with_columns(lowest=pl.lit(dense["group"][0] if len(dense) else ""))


def _group_name(group: str, tags: Sequence[str]) -> str:
    return f"{group} (one language, {tags[0]})" if len(tags) == 1 else group


def _apart_line(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    difference = Difference(row["delta"], row["half_width"])
    return (
        f"{row['level']}: {names[row['group']]} {percent_change(100 * row['value'])}, "
        f"{names[row['lowest']]} {percent_change(100 * row['other'])}, "
        f"apart {signed(difference, PERCENTAGE_POINTS)}"
    )


def _power(numbers: Mapping[str, float], languages: pl.Series) -> str:
    """Say the largest tau that ties allow, where there are ties."""
    values = sorted(numbers[tag] for tag in languages if tag in numbers)
    order = pl.DataFrame({"language": map(str, range(len(values))), "place": range(len(values))})
    by_place = dict(zip(order["language"], values, strict=True))
    found = rank_correlation(order, by_place, "place")
    if found["tau"] is None or len(set(values)) == len(values):
        return ""
    largest = tau_text(found["tau"], found["p_value"], found["num_languages"])
    return f"; with these ties the largest tau there can be is {largest}"
