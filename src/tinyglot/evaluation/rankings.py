"""How models rank languages, and what goes along with it: relative scores, Kendall's tau."""

from collections.abc import Mapping

import polars as pl
from scipy import stats

from tinyglot.errors import ComparisonError
from tinyglot.evaluation.groups import check_known, check_numbers, check_rows, run_columns

MIN_LANGUAGES = 3


def relative_scores(rows: pl.DataFrame, dense_model: str) -> pl.DataFrame:
    """Compare every model with the dense one, language by language.

    Args:
        rows: Long-form rows of several models, the dense one among them.
        dense_model: What the rows call it.

    Returns:
        The rows with ``dense_value``, ``score_delta`` (value - dense) and
        ``relative_difference_percent`` (100 x (value / dense - 1); null where dense is 0).

    Raises:
        ComparisonError: If the dense model is not there, or not for every language of another.
        NonFiniteScoreError: If a score is infinite or no number.

    References:
        Ogueji et al. (2022): relative difference of F1.
    """
    check_rows(rows)
    keys = [name for name in run_columns(rows) if name != "model"] + ["language"]
    dense = rows.filter(pl.col("model") == dense_model).select(*keys, dense_value="value")
    joined = rows.join(dense, on=keys, how="left", nulls_equal=True, maintain_order="left")
    _check_dense(joined, dense_model)
    ratio = pl.col("value") / pl.col("dense_value")
    return joined.with_columns(
        score_delta=pl.col("value") - pl.col("dense_value"),
        relative_difference_percent=pl.when(pl.col("dense_value") != 0.0).then(100 * (ratio - 1)),
    )


def ranking_agreement(rows: pl.DataFrame, dense_model: str) -> pl.DataFrame:
    """Say whether models find the same languages easy and hard as the dense one.

    Args:
        rows: Long-form rows of several models, the dense one among them.
        dense_model: What the rows call it.

    Returns:
        For every run: Kendall's ``tau`` (b, which allows for ties; null where all languages of
        one model score the same), its ``p_value`` and ``num_languages``.

    Raises:
        ComparisonError: If the dense model is not there, or not for every language of another,
            or there are fewer than 3 languages.
        NonFiniteScoreError: If a score is infinite or no number.
    """
    paired = relative_scores(rows, dense_model)
    found = [
        {**_run_of(run), **_tau(run["dense_value"], run["value"])}
        for _, run in paired.group_by(run_columns(paired), maintain_order=True)
    ]
    return pl.DataFrame(found, schema_overrides=dict.fromkeys(("tau", "p_value"), pl.Float64))


def attribute_correlation(
    rows: pl.DataFrame, values: Mapping[str, float], column: str = "value"
) -> pl.DataFrame:
    """Relate scores to a number of each language, such as entity overlap or training size.

    Args:
        rows: Long-form rows.
        values: The number of each language.
        column: Which column to relate: ``value``, or one that ``relative_scores`` added.

    Returns:
        For every run: Kendall's ``tau`` and its ``p_value``, Pearson's ``correlation`` and its
        ``correlation_p_value`` (null where either side is constant) and ``num_languages``.

    Raises:
        ComparisonError: If a language has no number, or there are fewer than 3 languages.
        NonFiniteScoreError: If a score or a number is infinite or no number.

    References:
        Ogueji et al. (2022), figure 9 (entity overlap) and Kendall's tau with training size.
    """
    check_numbers(values)
    check_rows(rows)
    check_known(rows, values)
    found = []
    for _, run in rows.drop_nulls(column).group_by(run_columns(rows), maintain_order=True):
        numbers = run["language"].replace_strict(dict(values), return_dtype=pl.Float64)
        found.append(
            {**_run_of(run), **_tau(numbers, run[column]), **_pearson(numbers, run[column])}
        )
    names = ("tau", "p_value", "correlation", "correlation_p_value")
    return pl.DataFrame(found, schema_overrides=dict.fromkeys(names, pl.Float64))


def _run_of(run: pl.DataFrame) -> dict[str, object]:
    if len(run) < MIN_LANGUAGES:
        raise ComparisonError(
            "Could not rank languages: there are too few of them.",
            got=f"{len(run)} ({', '.join(run['language'])})",
            expected=f"at least {MIN_LANGUAGES} languages",
            fix="evaluate more languages",
        )
    return {**run.select(run_columns(run)).row(0, named=True), "num_languages": len(run)}


def _tau(first: pl.Series, second: pl.Series) -> dict[str, float | None]:
    if 1 in (first.n_unique(), second.n_unique()):
        return {"tau": None, "p_value": None}
    found = stats.kendalltau(first.to_numpy(), second.to_numpy())
    return {"tau": float(found.statistic), "p_value": float(found.pvalue)}


def _pearson(first: pl.Series, second: pl.Series) -> dict[str, float | None]:
    if 1 in (first.n_unique(), second.n_unique()):
        return {"correlation": None, "correlation_p_value": None}
    found = stats.pearsonr(first.to_numpy(), second.to_numpy())
    return {"correlation": float(found.statistic), "correlation_p_value": float(found.pvalue)}


def _check_dense(joined: pl.DataFrame, dense_model: str) -> None:
    missing = joined.filter(pl.col("dense_value").is_null())
    if missing.is_empty():
        return
    models = ", ".join(joined["model"].unique().sort())
    raise ComparisonError(
        "Could not compare with the dense model: it has no score for some rows.",
        got=f"{len(missing)} of {len(joined)} rows, such as {missing['model'][0]} "
        f"on {missing['language'][0]}; models {models}",
        expected=f"a row of {dense_model} with the same data, split, metric and language",
        fix="evaluate the dense model on the same languages, and name it as the rows do",
    )
