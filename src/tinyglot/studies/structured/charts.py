"""The figures of a study of structured pruning: quality against the share that is removed."""

from collections.abc import Iterator
from typing import Any

from tinyglot.studies.charts.draw import AMBER, BLUE, GREEN, GREY, ORANGE, Figure, Look, line_panels
from tinyglot.studies.structured.blocks import ALONE, DENSE, RATIO, SHARED, StructuredBlock
from tinyglot.studies.structured.tables import MACRO, scores_of
from tinyglot.studies.views.seeds import INTERVALS

_COLOURS = (BLUE, ORANGE, GREEN, AMBER, GREY)
_REMOVED = "heads and neurons removed, % (0: dense)"


def structured_figures(block: StructuredBlock) -> Iterator[Figure]:
    """Draw scores against the share that is removed.

    Args:
        block: Rows of one model, task, data set, split and metric.

    Yields:
        Settings, then algorithms; each where there are two at least.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    alone = block.rows.filter(way=ALONE)["algorithm"].unique().sort().to_list()
    for name in alone:
        series = {
            "one mask for all languages": (name, SHARED),
            "a mask for each language": (name, ALONE),
            **({"random mask": ("random", SHARED)} if "random" in block.algorithms else {}),
        }
        yield _figure(block, series, f"settings-{name}", f"One mask or one a language: {name}")
    if len(block.algorithms) > 1:
        series = {name: (name, SHARED) for name in block.algorithms}
        yield _figure(block, series, "algorithms", "Algorithms, one mask for all languages")


def _figure(
    block: StructuredBlock, series: dict[str, tuple[str, str]], name: str, title: str
) -> Figure:
    languages = block.rows["language"].unique().sort().to_list()
    records = [record for of in [MACRO, *languages] for record in _records(block, of, series)]
    look = Look(
        f"{block.key['metric']}, {block.scale.unit}",
        dict(zip(series, _COLOURS, strict=False)),
        x_title=_REMOVED,
    )
    task = f"{block.key['task']}-{block.key['dataset']}"
    return Figure(
        name=f"{name}-{task}",
        title=f"{title} ({block.key['dataset']})",
        caption=f"Mean over seeds. {INTERVALS.partition('. ')[0]}.",
        spec=line_panels(records, look),
    )


def _records(
    block: StructuredBlock, of: str, series: dict[str, tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    found = scores_of(block, of).sort(RATIO)
    for label, (algorithm, way) in series.items():
        own = found.filter(
            ((found["algorithm"] == algorithm) & (found["way"] == way))
            | (found["algorithm"] == DENSE)
        )
        for row in own.iter_rows(named=True):
            value, half = row["value"], row["half_width"]
            factor = block.scale.factor
            yield {
                "panel": of,
                "series": label,
                "x": 100 * row[RATIO],
                "y": factor * value,
                "low": None if half is None else factor * (value - half),
                "high": None if half is None else factor * (value + half),
                "about": f"{row['num_seeds']} seeds",
            }
