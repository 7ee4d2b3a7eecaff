"""Means over seeds with their intervals, and the same of differences taken seed by seed."""

from collections.abc import Sequence

import polars as pl
from scipy import stats

CONFIDENCE = 0.95
INTERVALS = (
    "± is half of the 95 % t interval of the mean over seeds (from two seeds on). In brackets: "
    "95 % bootstrap intervals of single seeds over sentences, from the lowest lower end to the "
    "highest upper end"
)

DIFFERENCES = (
    "Differences are taken seed by seed; ± is half of the 95 % t interval of their mean over seeds"
)


def over_seeds(
    rows: pl.DataFrame, keys: Sequence[str], column: str = "value", *others: pl.Expr
) -> pl.DataFrame:
    """Average a column over seeds; each seed counts once.

    Args:
        rows: One row for each key and seed.
        keys: What a mean is made for.
        column: What is averaged.
        *others: Further aggregations, named.

    Returns:
        For every key, in the order of the rows: the mean under the column's own name,
        ``half_width`` (of the t interval of the mean; null for one seed) and ``num_seeds``.
    """
    error = pl.col(column).std(ddof=1) / pl.len().sqrt()
    found = rows.group_by(keys, maintain_order=True).agg(
        pl.col(column).mean(), *others, half_width=error, num_seeds=pl.len().cast(pl.Int64)
    )
    factors = {count: _t_factor(count) for count in found["num_seeds"].unique()}
    factor = pl.col("num_seeds").replace_strict(factors, return_dtype=pl.Float64)
    return found.with_columns(half_width=pl.col("half_width") * factor)


def pair(first: pl.DataFrame, second: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Put two sides beside each other, seed by seed; what only one side has is left out.

    Args:
        first: With the keys, ``seed`` and ``value``.
        second: With ``seed``, ``value`` and those of the keys that tell its rows apart: a row
            stands beside every row of the first that agrees in these.
        keys: What tells the rows of the first apart, beside the seed.

    Returns:
        The keys, ``seed``, ``value``, ``other`` (of the second side) and ``delta`` (value -
        other).
    """
    common = [*(name for name in keys if name in second.columns), "seed"]
    other = second.select(*common, other="value")
    pairs = first.select(*keys, "seed", "value").join(
        other, on=common, nulls_equal=True, maintain_order="left"
    )
    return pairs.with_columns(delta=pl.col("value") - pl.col("other"))


def over_pairs(pairs: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Average what ``pair`` gave over seeds.

    Args:
        pairs: As ``pair`` gives them.
        keys: What a mean is made for.

    Returns:
        For every key: means of ``value`` and ``other``, ``delta`` with its ``half_width`` and
        ``num_seeds``, and ``ratio`` (value / other, of the means; null where the other is 0).
    """
    found = over_seeds(pairs, keys, "delta", pl.col("value").mean(), pl.col("other").mean())
    ratio = pl.when(pl.col("other") != 0.0).then(pl.col("value") / pl.col("other"))
    return found.with_columns(ratio=ratio)


def average_languages(
    rows: pl.DataFrame, keys: Sequence[str], column: str = "value"
) -> pl.DataFrame:
    """Average over languages, each counted once, then over the seeds that have all of them.

    Args:
        rows: One row for each key, language and seed.
        keys: What an average is made for.
        column: What is averaged.

    Returns:
        For every key: the mean of the languages' means over seeds, under the column's own name,
        ``num_languages``, and ``half_width`` and ``num_seeds`` of the seeds that have a score of
        every language (null and 0 where none has).
    """
    count = pl.len().cast(pl.Int64)
    means = over_seeds(rows, [*keys, "language"], column)
    macro = means.group_by(keys, maintain_order=True).agg(
        pl.col(column).mean(), num_languages=count
    )
    by_seed = rows.group_by([*keys, "seed"], maintain_order=True).agg(
        pl.col(column).mean(), count=count
    )
    whole = by_seed.join(macro.drop(column), on=keys, nulls_equal=True)
    complete = whole.filter(pl.col("count") == pl.col("num_languages"))
    spread = over_seeds(complete, keys, column).drop(column)
    joined = macro.join(spread, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("num_seeds").fill_null(0))


def average_pairs(pairs: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Average differences over languages, each counted once.

    Args:
        pairs: As ``pair`` gives them, with ``language``.
        keys: What an average is made for.

    Returns:
        As ``average_languages``, with ``value``, ``other`` and ``delta``.
    """
    found = average_languages(pairs, keys, "delta")
    for name in ("value", "other"):
        side = average_languages(pairs, keys, name).select(*keys, name)
        found = found.join(side, on=keys, nulls_equal=True, maintain_order="left")
    return found


def _t_factor(num_seeds: int) -> float | None:
    if num_seeds < 2:
        return None
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, num_seeds - 1))
