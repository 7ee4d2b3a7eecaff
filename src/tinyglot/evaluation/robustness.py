"""What perturbed data cost each language: drops, the worst language, the gap, and overlap."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.mentions import entity_overlap
from tinyglot.data.perturbations import UNPERTURBED
from tinyglot.data.reading import read_examples
from tinyglot.errors import ComparisonError
from tinyglot.evaluation.groups import check_rows, run_columns
from tinyglot.languages import resolve_language

OF_A_DROP = frozenset({"language", "regular_value", "perturbed_value", "n"})
OF_A_DROP |= {"score_delta", "fraction_of_regular", "dense_score_delta", "excess_delta"}
KIND = "ner"


def perturbation_drops(rows: pl.DataFrame) -> pl.DataFrame:
    """Put each perturbed score beside the regular one of the same model and language.

    Args:
        rows: Long-form rows of regular (``perturbation`` is ``none``) and perturbed evaluations.

    Returns:
        One row for each perturbed one: its model, task, dataset, split, perturbation, seed,
        metric and language, ``regular_value``, ``perturbed_value``, ``score_delta`` (perturbed -
        regular, negative where something is lost), ``fraction_of_regular`` (perturbed / regular;
        null where the regular score is 0) and ``n``.

    Raises:
        ComparisonError: If there are no perturbed rows, or one has no regular counterpart.
        NonFiniteScoreError: If a score is infinite or no number.

    References:
        Ogueji et al. (2022), figure 3: perturbed as a fraction of regular.
    """
    check_rows(rows)
    run = run_columns(rows)
    keys = [name for name in run if name != "perturbation"] + ["language"]
    is_regular = pl.col("perturbation") == UNPERTURBED
    regular = rows.filter(is_regular).select(*keys, regular_value="value")
    perturbed = rows.filter(~is_regular).select(*run, "language", "n", perturbed_value="value")
    joined = perturbed.join(regular, on=keys, how="left", nulls_equal=True, maintain_order="left")
    _check_pairs(joined, keys)
    lost = pl.col("perturbed_value") - pl.col("regular_value")
    fraction = pl.col("perturbed_value") / pl.col("regular_value")
    return joined.select(
        *run,
        "language",
        "regular_value",
        "perturbed_value",
        score_delta=lost,
        fraction_of_regular=pl.when(pl.col("regular_value") != 0.0).then(fraction),
        n="n",
    )


def summarise_drops(drops: pl.DataFrame) -> pl.DataFrame:
    """Bring the drops of all languages together; every language counts once.

    Args:
        drops: As ``perturbation_drops`` gives them, for metrics of which more is better.

    Returns:
        For every run and perturbation: ``macro_regular``, ``macro_perturbed``,
        ``macro_score_delta``, ``standard_deviation`` of the drops over languages (of the sample;
        null for one language), ``worst_language`` (that loses most; the first by name among
        equals) and ``worst_score_delta``, ``gap`` (between the language that loses least and the
        one that loses most, never negative) and ``num_languages``.
    """
    run = [name for name in drops.columns if name not in OF_A_DROP]
    delta = pl.col("score_delta")
    return drops.group_by(run, maintain_order=True).agg(
        macro_regular=pl.col("regular_value").mean(),
        macro_perturbed=pl.col("perturbed_value").mean(),
        macro_score_delta=delta.mean(),
        standard_deviation=delta.std(ddof=1),
        worst_language=pl.col("language").sort_by("score_delta", "language").first(),
        worst_score_delta=delta.min(),
        gap=delta.max() - delta.min(),
        num_languages=pl.col("language").n_unique().cast(pl.Int64),
    )


def drops_beside_dense(drops: pl.DataFrame, dense_model: str) -> pl.DataFrame:
    """Compare what each model loses with what the dense one loses on the same perturbed data.

    Args:
        drops: As ``perturbation_drops`` gives them, of several models, the dense one among them.
        dense_model: What the rows call it.

    Returns:
        The drops with ``dense_score_delta`` and ``excess_delta`` (the model's drop - the dense
        one's; negative where the model is less robust).

    Raises:
        ComparisonError: If the dense model is not there, or not for every language and
            perturbation of another.
    """
    run = [name for name in drops.columns if name not in OF_A_DROP]
    keys = [name for name in run if name != "model"] + ["language"]
    of_dense = pl.col("model") == dense_model
    dense = drops.filter(of_dense).select(*keys, dense_score_delta="score_delta")
    joined = drops.join(dense, on=keys, how="left", nulls_equal=True, maintain_order="left")
    missing = joined.filter(pl.col("dense_score_delta").is_null())
    if not missing.is_empty():
        raise ComparisonError(
            "Could not compare with the dense model: it has no such rows.",
            got=f"{len(missing)} rows without it, such as {missing.select(keys).row(0)}",
            expected=f"rows of {dense_model!r} for every language and perturbation",
            fix=f"evaluate {dense_model} on the same perturbed data",
        )
    excess = pl.col("score_delta") - pl.col("dense_score_delta")
    return joined.with_columns(excess_delta=excess)


def entity_overlaps(
    data: str | Path, languages: Sequence[str], split: str = "test", other: str = "train"
) -> pl.DataFrame:
    """Say what share of each language's test mentions occur in its training data.

    Args:
        data: Named-entity data, as ``read_examples`` takes it.
        languages: Any codes that ``resolve_language`` accepts; each language counts once.
        split: Whose mentions are counted.
        other: Where they are looked up.

    Returns:
        One row a language: ``language``, ``num_mentions``, ``num_seen`` and ``entity_overlap``
        (in [0, 1]; null if there is no mention).

    Raises:
        DataNotFoundError: If the data, a language or a split is not there.
        UnknownLanguageError: If a code is no language.
        DataFormatError: If a file is broken.

    References:
        Ogueji et al. (2022), figure 9.
    """
    rows = []
    for tag in dict.fromkeys(map(resolve_language, languages)):
        found = entity_overlap(_sentences(data, tag, split), _sentences(data, tag, other))
        rows.append((tag, found.num_mentions, found.num_seen, found.share))
    schema = {
        "language": pl.String,
        "num_mentions": pl.Int64,
        "num_seen": pl.Int64,
        "entity_overlap": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _sentences(data: str | Path, tag: str, split: str) -> list[TaggedSentence]:
    examples = read_examples(KIND, data, tag, split)
    return [example for example in examples if isinstance(example, TaggedSentence)]


def _check_pairs(joined: pl.DataFrame, keys: Sequence[str]) -> None:
    if joined.is_empty():
        raise ComparisonError(
            "Could not say what perturbed data cost: there are no such rows.",
            got="only rows of regular data",
            expected="rows of the same model on regular and on perturbed data",
            fix="tinyglot data perturb DATA --language L --out DIR, then evaluate with --data DIR",
        )
    missing = joined.filter(pl.col("regular_value").is_null())
    if not missing.is_empty():
        raise ComparisonError(
            "Could not say what perturbed data cost: a regular score is missing.",
            got=f"{len(missing)} rows, such as {missing.select(keys).row(0)}",
            expected=f"a row with perturbation {UNPERTURBED!r} and the same {', '.join(keys)}",
            fix="evaluate the same model on the data as they were before",
        )
