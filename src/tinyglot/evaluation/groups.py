"""Averages over groups of languages: by script, family, or any number known of them."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from tinyglot.errors import ComparisonError, NonFiniteScoreError
from tinyglot.evaluation.summary import PER_LANGUAGE
from tinyglot.languages import family_group, resolve_language, script_group

GROUPINGS: dict[str, Callable[[str], str]] = {"script": script_group, "family": family_group}
OF_A_LANGUAGE = PER_LANGUAGE | {"dense_value", "score_delta", "relative_difference_percent"}
OF_A_GROUP = frozenset(
    {
        "group",
        "macro_average",
        "standard_deviation",
        "worst_language",
        "worst_value",
        "num_languages",
        "n",
    }
)


def group_languages(languages: Sequence[str], by: str) -> dict[str, str]:
    """Name the group of every language.

    Args:
        languages: Tags or codes.
        by: ``script`` or ``family``.

    Returns:
        Groups by tag, sorted by group.

    Raises:
        ComparisonError: If there is no such grouping.
        UnknownLanguageError: If a code is no language.

    Example:
        >>> group_languages(["sw", "yo", "ta"], "script")
        {'tam-Taml': 'Brahmic', 'swh-Latn': 'Latn', 'yor-Latn': 'Latn'}
    """
    if by not in GROUPINGS:
        raise ComparisonError(
            "Could not group the languages.",
            got=repr(by),
            expected=f"one of {', '.join(GROUPINGS)}",
            fix="for numbers, such as training sizes, use bin_languages",
        )
    groups = {tag: GROUPINGS[by](tag) for tag in map(resolve_language, languages)}
    return dict(sorted(groups.items(), key=lambda pair: pair[1]))


def bin_languages(values: Mapping[str, float], edges: Sequence[float]) -> dict[str, str]:
    """Group languages by a number: sentences to train on, share in pre-training, fertility.

    Args:
        values: The number of each language.
        edges: Where a bin ends and the next begins, ascending; a number on an edge belongs to the
            bin above.

    Returns:
        Bins by language, such as ``[100, 1000)``, sorted by number; the outermost are ``< 100``
        and ``>= 1000``.

    Raises:
        ComparisonError: If the edges are none, or do not ascend.
        NonFiniteScoreError: If a number is infinite or no number.

    Example:
        >>> bin_languages({"yor-Latn": 100, "swh-Latn": 1000, "eng-Latn": 20000}, [500, 5000])
        {'yor-Latn': '< 500', 'swh-Latn': '[500, 5000)', 'eng-Latn': '>= 5000'}
    """
    check_numbers(values)
    if len(edges) == 0 or not np.all(np.diff(edges) > 0):
        raise ComparisonError(
            "Could not group the languages: the edges of the bins do not ascend.",
            got=str(list(edges)),
            expected="one or more numbers, each above the one before it",
            fix="sort them, and name each once",
        )
    shown = [f"{edge:.12g}" for edge in edges]
    inner = [f"[{low}, {high})" for low, high in itertools.pairwise(shown)]
    names = [f"< {shown[0]}", *inner, f">= {shown[-1]}"]
    ascending = sorted(values.items(), key=lambda pair: pair[1])
    return {tag: names[np.searchsorted(edges, value, "right")] for tag, value in ascending}


def quantile_edges(values: Mapping[str, float], num_bins: int) -> list[float]:
    """Place edges so that bins hold about as many languages each.

    Args:
        values: The number of each language.
        num_bins: At least 2.

    Returns:
        Ascending edges; fewer where languages share a number.

    Raises:
        ComparisonError: If there are fewer languages than bins, or all share one number.
        NonFiniteScoreError: If a number is infinite or no number.

    Example:
        >>> quantile_edges({"a": 1, "b": 2, "c": 3, "d": 4}, 2)
        [3.0]
    """
    check_numbers(values)
    ordered = np.sort(np.array(list(values.values()), dtype=np.float64))
    if not 2 <= num_bins <= len(ordered) or ordered[0] == ordered[-1]:
        raise ComparisonError(
            "Could not cut the languages into bins.",
            got=f"{num_bins} bins for {len(ordered)} languages "
            f"with {len(np.unique(ordered))} different numbers",
            expected="2 or more bins, no more than there are languages, and numbers that differ",
            fix="ask for fewer bins",
        )
    starts = ordered[[len(ordered) * k // num_bins for k in range(1, num_bins)]]
    least = ordered[ordered > ordered[0]][0]
    return [float(edge) for edge in np.unique(np.maximum(starts, least))]


def group_scores(
    rows: pl.DataFrame, groups: Mapping[str, str], *, higher_is_better: bool = True
) -> pl.DataFrame:
    """Average scores over the languages of every group; each language counts once.

    Args:
        rows: Long-form rows with at least ``language``, ``value`` and ``n``.
        groups: The group of every language in the rows.
        higher_is_better: Which of two scores is the better one.

    Returns:
        For every run and group, groups in the order in which ``groups`` first names them:
        ``macro_average``, ``standard_deviation`` over languages (of the sample, the papers'
        bands; null for one language), ``worst_language``, ``worst_value``, ``num_languages``
        and ``n``.

    Raises:
        ComparisonError: If a language has no group, or stands twice in a run.
        NonFiniteScoreError: If a score is infinite or no number.
    """
    check_rows(rows)
    check_known(rows, groups)
    run = run_columns(rows)
    places = {group: place for place, group in enumerate(dict.fromkeys(groups.values()))}
    worst_first = [not higher_is_better, False]  # of equal scores, the first language by name
    tags = pl.col("language").sort_by("value", "language", descending=worst_first)
    return (
        rows.with_columns(group=pl.col("language").replace_strict(dict(groups)))
        .sort(pl.col("group").replace_strict(places), "language")
        .group_by([*run, "group"], maintain_order=True)
        .agg(
            macro_average=pl.col("value").mean(),
            standard_deviation=pl.col("value").std(ddof=1),
            worst_language=tags.first(),
            worst_value=pl.col("value").min() if higher_is_better else pl.col("value").max(),
            num_languages=pl.len().cast(pl.Int64),
            n=pl.col("n").sum(),
        )
    )


def group_gaps(scores: pl.DataFrame, *, higher_is_better: bool = True) -> pl.DataFrame:
    """Say how far the best and the worst group of every run are apart.

    Args:
        scores: As ``group_scores`` gives them.
        higher_is_better: Which of two scores is the better one.

    Returns:
        For every run: ``best_group``, ``best_value``, ``worst_group``, ``worst_value`` and
        ``gap``, never negative, of macro-averages.
    """
    run = [name for name in scores.columns if name not in OF_A_GROUP]
    groups, values = (
        pl.col(name).sort_by("macro_average", descending=higher_is_better, maintain_order=True)
        for name in ("group", "macro_average")
    )
    return scores.group_by(run, maintain_order=True).agg(
        best_group=groups.first(),
        best_value=values.first(),
        worst_group=groups.last(),
        worst_value=values.last(),
        gap=(values.first() - values.last()).abs(),
    )


def run_columns(rows: pl.DataFrame) -> list[str]:
    """Name the columns that are not about a single language.

    Args:
        rows: Long-form rows.

    Returns:
        Such as model, task, dataset, split, perturbation, seed and metric.
    """
    return [name for name in rows.columns if name not in OF_A_LANGUAGE]


def check_rows(rows: pl.DataFrame) -> None:
    """Refuse scores that no average or ranking can be made of.

    Args:
        rows: Long-form rows.

    Raises:
        ComparisonError: If a language stands twice in a run.
        NonFiniteScoreError: If a score is missing, infinite or no number.
    """
    broken = rows.filter(~pl.col("value").is_finite().fill_null(value=False))
    if not broken.is_empty():
        raise NonFiniteScoreError(
            "Could not use a score: it is infinite or no number.",
            got=f"{broken['value'][0]} of {broken['language'][0]}, "
            f"{len(broken)} of {len(rows)} such rows",
            expected="a finite score of every language",
            fix="evaluate these languages again, or leave them out",
        )
    keys = [*run_columns(rows), "language"]
    doubled = rows.filter(rows.select(keys).is_duplicated())
    if not doubled.is_empty():
        raise ComparisonError(
            "Could not average scores: a language would count twice.",
            got=f"{len(doubled)} rows, such as {doubled.select(keys).row(0)}",
            expected=f"one row for each {', '.join(keys)}",
            fix="rows.unique(), or add a column that tells them apart, such as seed",
        )


def check_known(rows: pl.DataFrame, values: Mapping[str, object]) -> None:
    """Refuse languages about which the needed group or number is not known.

    Args:
        rows: Long-form rows.
        values: What is known, by language.

    Raises:
        ComparisonError: If a language is missing; all are listed.
    """
    missing = [tag for tag in rows["language"].unique().sort() if tag not in values]
    if missing:
        raise ComparisonError(
            "Could not relate scores to languages: some have no group or number.",
            got=", ".join(missing),
            expected=f"a value for all of {rows['language'].n_unique()} languages",
            fix="add them, or leave these languages out of the rows",
        )


def check_numbers(values: Mapping[str, float]) -> None:
    """Refuse numbers of languages that are none.

    Args:
        values: The number of each language.

    Raises:
        NonFiniteScoreError: If one is infinite or no number.
    """
    broken = [tag for tag, value in values.items() if not math.isfinite(value)]
    if broken:
        raise NonFiniteScoreError(
            "Could not compare languages by a number: it is infinite or no number.",
            got=f"{values[broken[0]]} of {broken[0]}, {len(broken)} of {len(values)} such values",
            expected="a finite number of every language",
            fix="leave these languages out",
        )
