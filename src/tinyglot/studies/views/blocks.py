"""Study rows by block: what one set of tables is about, dense cells in both variants."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tinyglot.reports.scale import Scale
from tinyglot.studies.rows import MONOLINGUAL, check_study_rows

BLOCK = ("study", "model", "task", "dataset", "split", "metric")
GROUP = ("setting", "trained")
LEVEL = ("variant", "level", "sparsity")
DENSE = "dense"
FIRST = ("multilingual", "monolingual", "none", "in-language", "in-script", "in-family", DENSE)
NO_VARIANT = "none"
_OPTION = re.compile(r" (?=\w+=)")
VARIANTS = {
    "exclude": "embeddings not pruned",
    "include": "embeddings pruned as well",
    NO_VARIANT: "nothing pruned",
}


@dataclass(frozen=True)
class Block:
    """The rows of one model, method, task, data set, split and metric.

    Attributes:
        key: These, and the study.
        rows: Those of results.parquet, perturbed ones with the ``train_overlap`` of the regular
            text where they have none, and with three more columns. ``trained`` is the set
            trained on (empty for models of one language), ``variant`` whether embeddings are
            pruned (dense rows stand in every variant, with ``exclude``, ``include`` or ``none``)
            and ``level`` the sparsity as headings show it: ``dense``, ``50 %``; ``0 %`` is a mask
            of nothing.
        scale: How scores are shown.
    """

    key: Mapping[str, str | None]
    rows: pl.DataFrame
    scale: Scale

    @property
    def levels(self) -> tuple[str, ...]:
        """Headings of the columns, the dense model first."""
        return level_order(self.rows)

    @property
    def title(self) -> str:
        """Model, method and data in one line."""
        names = ("model", "method", "task", "dataset", "split")
        return ", ".join(str(self.key[name]) for name in names if self.key[name])


def blocks(rows: pl.DataFrame) -> tuple[Block, ...]:
    """Part the rows of a study; tables are made of each block alone.

    A dense cell belongs to every method that prunes the same model, unless methods have dense
    cells of their own.

    Args:
        rows: As ``read_rows`` gives them.

    Returns:
        Blocks, in the order of their keys.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
    """
    whole = _with_levels(check_study_rows(rows))
    found = []
    for names, part in whole.partition_by(BLOCK, as_dict=True, maintain_order=True).items():
        for method, own in _by_method(part):
            key = {**dict(zip(BLOCK, names, strict=True)), "method": method}
            scale = Scale.of(key["task"], str(key["metric"]))
            found.append(Block(key, _in_every_variant(own), scale))
    return tuple(found)


def parts(
    rows: pl.DataFrame, columns: Sequence[str]
) -> Iterator[tuple[dict[str, str], pl.DataFrame]]:
    """Part rows by columns of text.

    Args:
        rows: Of a block, or what was made of them.
        columns: Such as ``setting`` and ``perturbation``.

    Yields:
        The columns' values and their rows; multilingual models and regular text first, the
        scopes of perturbations from the narrowest on.
    """
    found = rows.partition_by(columns, as_dict=True, maintain_order=True)
    named = (
        (dict(zip(columns, map(str, names), strict=True)), part) for names, part in found.items()
    )
    yield from sorted(named, key=lambda pair: [_place(value) for value in pair[0].values()])


def in_charts(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the levels that have a place on an axis of sparsity: a mask of nothing is at 0, too."""
    return rows.filter((pl.col("sparsity") > 0) | (pl.col("level") == DENSE))


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows as ``parts`` does, by whichever of these columns they have, then by sparsity."""
    columns = [name for name in (*GROUP, "perturbation", *LEVEL) if name in rows.columns]
    texts = [name for name in columns if rows.schema[name] == pl.String and name != "level"]
    places = {value: _place(value) for name in texts for value in rows[name].unique()}
    ranks = {value: rank for rank, value in enumerate(sorted(places, key=places.__getitem__))}
    keys = [pl.col(name).replace_strict(ranks, return_dtype=pl.Int64) for name in texts]
    return rows.sort(*keys, "sparsity", pl.col("level") != DENSE, maintain_order=True)


def _place(value: str) -> tuple[int, float, str]:
    if value in FIRST:
        return (FIRST.index(value), 0.0, value)
    return (len(FIRST), float(value[:-2]) if value.endswith(" %") else 0.0, value)


def level_order(rows: pl.DataFrame) -> tuple[str, ...]:
    """List the levels of some rows, the dense one first, then by sparsity.

    Args:
        rows: With ``level`` and ``sparsity``.

    Returns:
        Such as ``dense`` and ``50 %``.
    """
    found = rows.select("sparsity", "level").unique()
    ordered = found.sort("sparsity", pl.col("level") != DENSE)
    return tuple(ordered["level"].unique(maintain_order=True))


def _with_levels(rows: pl.DataFrame) -> pl.DataFrame:
    """Name levels and sets; of one-language models only the language itself is kept."""
    alone = pl.col("setting") == MONOLINGUAL
    own = pl.col("num_train_sentences").fill_null(1) > 0
    percent = (100 * pl.col("sparsity")).round(6)
    names = {value: f"{value:g} %" for value in rows.select(percent).to_series().unique()}
    regular = pl.col("train_overlap").filter(pl.col("perturbation") == "none").max()
    return rows.filter(~alone | own).with_columns(
        pl.coalesce("train_overlap", regular.over("key", "language", "split")),
        trained=pl.when(alone).then(pl.lit("")).otherwise(pl.col("languages")),
        level=pl.when(_is_dense())
        .then(pl.lit(DENSE))
        .otherwise(percent.replace_strict(names, return_dtype=pl.String)),
    )


def _is_dense() -> pl.Expr:
    return pl.col("embeddings").is_null()


def _by_method(part: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Give every method that prunes its dense cells: those with the options that both name."""
    dense, sparse = part.filter(_is_dense()), part.filter(~_is_dense())
    dense_methods = dense["method"].unique().sort().to_list()
    used = set()
    for method in sparse["method"].unique().sort():
        chosen = _dense_of(method, dense_methods)
        used.add(chosen)
        own = dense.filter(pl.col("method") == (chosen or ""))
        yield method, pl.concat([own, sparse.filter(method=method)])
    yield from ((name, dense.filter(method=name)) for name in dense_methods if name not in used)


def _dense_of(method: str, dense_methods: Sequence[str]) -> str | None:
    """Choose the dense method whose options are all this method's: its own, else the only one."""
    name, options = _named_options(method)
    fitting = [other for other in dense_methods if _named_options(other)[1] <= options]
    own = [other for other in fitting if _named_options(other)[0] == name]
    if own:
        return max(own, key=lambda other: len(_named_options(other)[1]))
    return fitting[0] if len(fitting) == 1 else None


def _named_options(method: str) -> tuple[str, frozenset[str]]:
    """Take ``magnitude_pruning ramp=cubic`` apart."""
    name, *options = _OPTION.split(method)
    return name, frozenset(options)


def _in_every_variant(rows: pl.DataFrame) -> pl.DataFrame:
    variants = rows["embeddings"].drop_nulls().unique().sort().to_list() or [NO_VARIANT]
    return pl.concat(
        rows.filter(_is_dense() | (pl.col("embeddings") == variant)).with_columns(
            variant=pl.lit(variant)
        )
        for variant in variants
    )
