"""Rank correlations over languages, and what is too little for one."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from scipy import stats

from tinyglot.reports.numbers import DASH, MINUS

MIN_RANKED = 3


def rank_correlation(
    rows: pl.DataFrame, numbers: Mapping[str, float], column: str
) -> dict[str, Any]:
    """Compute Kendall's tau between a column and a number of each language.

    Args:
        rows: One a language.
        numbers: By language; languages without one are left out.
        column: Of the rows; null is left out.

    Returns:
        ``tau`` and ``p_value`` (null where they cannot be computed) and ``num_languages``.
    """
    pairs = [
        (numbers[tag], value)
        for tag, value in rows.select("language", column).drop_nulls().iter_rows()
        if tag in numbers
    ]
    sides = list(zip(*pairs, strict=True))
    if len(pairs) < MIN_RANKED or any(len(set(side)) == 1 for side in sides):
        return {"tau": None, "p_value": None, "num_languages": len(pairs)}
    found = stats.kendalltau(*sides)
    return {
        "tau": float(found.statistic),
        "p_value": float(found.pvalue),
        "num_languages": len(pairs),
    }


def spearman_and_pearson(rows: pl.DataFrame, first: str, second: str) -> dict[str, Any]:
    """Correlate two columns over languages.

    Args:
        rows: One a language.
        first: A column; null is left out.
        second: Another.

    Returns:
        ``spearman``, ``spearman_p``, ``pearson``, ``pearson_p`` (null where they cannot be
        computed) and ``num_languages``.
    """
    pairs = rows.select(first, second).drop_nulls()
    found: dict[str, Any] = {"num_languages": len(pairs)}
    constant = any(pairs[name].n_unique() == 1 for name in (first, second))
    for name, function in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        both = (
            None if len(pairs) < MIN_RANKED or constant else function(pairs[first], pairs[second])
        )
        found[name] = None if both is None else float(both.statistic)
        found[f"{name}_p"] = None if both is None else float(both.pvalue)
    return found


def tau_text(tau: float | None, p_value: float | None, num_languages: int) -> str:
    """Show a correlation: ``0.39 (p = 0.120, 10 languages)``; a dash if there is none."""
    languages = f"{num_languages} language{'s' * (num_languages != 1)}"
    if tau is None or p_value is None:
        return f"{DASH} ({languages})"
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return f"{tau:.2f} ({p}, {languages})".replace("-", MINUS)
