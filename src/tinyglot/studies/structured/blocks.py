"""Rows of structured pruning by block, each row with the way in which its mask was found."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tinyglot.reports.scale import Scale
from tinyglot.studies.views.seeds import average_pairs, over_pairs, pair
from tinyglot.tasks import tasks

BLOCK = ("study", "model", "task", "dataset", "split", "metric")
SHARED, ALONE = "shared", "per language"
DENSE = "dense"
RATIO = "pruning_ratio"


@dataclass(frozen=True)
class StructuredBlock:
    """The rows of one model, task, data set, split and metric.

    Attributes:
        key: These, and the study.
        rows: With two more columns: ``algorithm`` (``dense`` where nothing is removed) and
            ``way`` (``shared`` or ``per language``; masks of a language count for it alone).
        scale: How scores are shown.
    """

    key: Mapping[str, str]
    rows: pl.DataFrame
    scale: Scale

    @property
    def title(self) -> str:
        """Model and data in one line."""
        return ", ".join(self.key[name] for name in ("model", "task", "dataset", "split"))

    @property
    def ratios(self) -> list[float]:
        """Shares that are removed, without 0."""
        found = self.rows.filter(pl.col(RATIO) > 0)
        return found[RATIO].unique().sort().to_list()

    @property
    def algorithms(self) -> list[str]:
        """Algorithms with a mask that all languages share, in the order of their names."""
        found = self.rows.filter((pl.col("way") == SHARED) & (pl.col("algorithm") != DENSE))
        return found["algorithm"].unique().sort().to_list()

    def side(self, algorithm: str, way: str = SHARED) -> pl.DataFrame:
        """Give the rows of one algorithm and setting.

        Args:
            algorithm: Such as ``taylor``; ``dense`` for the model as it was.
            way: Whether languages share the mask.

        Returns:
            Rows; may be none.
        """
        return self.rows.filter(algorithm=algorithm, way=way)


def is_structured(rows: pl.DataFrame) -> bool:
    """Tell whether rows are those of a study of structured pruning."""
    return RATIO in rows.columns


def structured_blocks(rows: pl.DataFrame) -> tuple[StructuredBlock, ...]:
    """Part the rows of a study.

    Args:
        rows: As ``read_rows`` gives them.

    Returns:
        Blocks, in the order of their keys.
    """
    mask = pl.col("mask") if "mask" in rows.columns else pl.lit(SHARED)
    name = pl.col("algorithm") if "algorithm" in rows.columns else pl.col("method")
    is_dense = pl.col(RATIO) == 0
    whole = rows.filter(mask.is_in([SHARED]) | (mask == pl.col("language"))).with_columns(
        way=pl.when(mask == SHARED).then(pl.lit(SHARED)).otherwise(pl.lit(ALONE)),
        algorithm=pl.when(is_dense).then(pl.lit(DENSE)).otherwise(name),
    )
    found = whole.partition_by(BLOCK, as_dict=True, maintain_order=True).items()
    return tuple(
        StructuredBlock(
            dict(zip(BLOCK, map(str, names), strict=True)),
            part,
            Scale.of(str(names[2]), str(names[5])),
        )
        for names, part in found
    )


def main_structured(rows: pl.DataFrame) -> tuple[StructuredBlock, ...]:
    """Give the blocks of each task's main metric.

    Args:
        rows: As ``read_rows`` gives them.

    Returns:
        In the order of their keys.
    """
    main = {task.id: task.metrics[0].name for task in tasks()}
    found = structured_blocks(rows)
    return tuple(one for one in found if main.get(one.key["task"]) == one.key["metric"])


def differences(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Take differences of two sides, seed by seed, each language once, by share removed.

    Args:
        first: Rows of one side.
        second: Rows of the other; those of the dense model stand beside every share.

    Returns:
        ``delta`` with its ``half_width`` and ``num_seeds`` by ``pruning_ratio`` and ``language``
        (``macro-average`` for all of them).
    """
    is_dense = not (second[RATIO] > 0).any()
    other = second.drop(RATIO) if is_dense else second
    pairs = pair(first, other, [RATIO, "language"])
    if pairs.is_empty():
        columns = {RATIO: pl.Float64, "language": pl.String, "delta": pl.Float64}
        return pl.DataFrame(schema={**columns, "half_width": pl.Float64, "num_seeds": pl.Int64})
    single = over_pairs(pairs, [RATIO, "language"])
    macro = average_pairs(pairs, [RATIO]).with_columns(language=pl.lit("macro-average"))
    names = [RATIO, "language", "delta", "half_width", "num_seeds"]
    return pl.concat([macro.select(names), single.select(names)]).sort(RATIO, maintain_order=True)
