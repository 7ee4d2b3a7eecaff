"""Macro-average, worst language and micro-average beside each other."""

import polars as pl

from tinyglot.tasks import find_metric

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
    from_the_worst = pl.col("value") * pl.when(_lower_is_better(rows)).then(-1.0).otherwise(1.0)
    return rows.group_by(groups, maintain_order=True).agg(
        macro_average=pl.col("value").mean(),
        worst_language=pl.col("language").sort_by(from_the_worst, "language").first(),
        worst_value=pl.col("value").sort_by(from_the_worst).first(),
        micro_average=weighted,
        num_languages=pl.col("language").n_unique(),
        n=pl.col("n").sum(),
    )


def _lower_is_better(rows: pl.DataFrame) -> pl.Expr:
    """Tell the rows of losses and perplexities from the others."""
    if "task" not in rows.columns:
        return pl.lit(value=False)
    pairs = rows.select("task", "metric").unique().iter_rows()
    found = [
        (t, m) for t, m in pairs if (metric := find_metric(t, m)) and not metric.higher_is_better
    ]
    matches = ((pl.col("task") == t) & (pl.col("metric") == m) for t, m in found)
    return pl.any_horizontal(pl.lit(value=False), *matches)
