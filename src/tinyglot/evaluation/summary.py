"""Macro-average, worst language and micro-average beside each other."""

import polars as pl

PER_LANGUAGE = frozenset({"language", "value", "n", "low", "high"})


def summarise(rows: pl.DataFrame) -> pl.DataFrame:
    """Bring the rows of all languages together, one row for each model, metric and run.

    Rows are grouped by every column that is not about a single language (model, task, dataset,
    split, perturbation, seed, metric, and whatever else the rows carry), in the order in which
    the groups first occur.

    Args:
        rows: Long-form rows with at least ``language``, ``value`` and ``n``.

    Returns:
        The group's columns and ``macro_average`` (every language counts once), ``worst_language``
        (its tag; the first by name among equals), ``worst_value``, ``micro_average`` (every
        example counts once: values weighted by ``n``), ``num_languages`` and ``n``.
    """
    groups = [name for name in rows.columns if name not in PER_LANGUAGE]
    weighted = (pl.col("value") * pl.col("n")).sum() / pl.col("n").sum()
    return rows.group_by(groups, maintain_order=True).agg(
        macro_average=pl.col("value").mean(),
        worst_language=pl.col("language").sort_by("value", "language").first(),
        worst_value=pl.col("value").min(),
        micro_average=weighted,
        num_languages=pl.col("language").n_unique(),
        n=pl.col("n").sum(),
    )
