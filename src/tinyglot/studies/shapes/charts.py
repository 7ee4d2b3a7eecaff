"""The figure of a study of shapes: where small is not fast."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from tinyglot.reports.vega import plain, require
from tinyglot.studies.charts.draw import AMBER, BLUE, GREEN, GREY, ORANGE, Figure
from tinyglot.studies.shapes.tables import NAMES, cut_rows, share_title

_COLOURS = dict(
    zip(list(NAMES.values())[1:], (ORANGE, BLUE, GREEN, AMBER, "#cc79a7", GREY), strict=True)
)
_SIZE = 170


def shape_figures(rows: pl.DataFrame) -> Iterator[Figure]:
    """Draw speed against size for each runtime and number of threads.

    Args:
        rows: As ``read_rows`` gives them.

    Yields:
        Figures.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    found = cut_rows(rows).sort("runtime", "threads", "batch", "length", maintain_order=True)
    whole = rows["num_parameters"].max() if len(rows) else 0
    for (runtime, threads), part in found.partition_by(
        "runtime", "threads", maintain_order=True, as_dict=True
    ).items():
        yield Figure(
            name=f"small-and-fast-{runtime}-{threads}",
            title=f"Where small is not fast: {runtime}, {threads} thread(s)",
            caption="Across: parameters of the whole model over those of the cut one. Up: its time "
            "over the cut one's, with 95 % intervals over rounds. On the grey line a model is as "
            "fast as it is small; below it, it is small and not fast. Panels are batch × tokens; "
            "both scales are logarithmic.",
            spec=_chart([_record(row, whole) for row in part.iter_rows(named=True)]),
        )


def _record(row: dict[str, Any], whole: Any) -> dict[str, Any]:  # noqa: ANN401  (a number)
    return {
        "panel": f"{row['batch']} × {row['length']}",
        "series": NAMES[row["part"]],
        "x": round(whole / row["num_parameters"], 6),
        "y": row["speedup"],
        "low": row["low"],
        "high": row["high"],
        "about": f"{share_title(row['removed'])} removed; {row['sizes']}",
    }


def _chart(values: list[dict[str, Any]]) -> dict[str, Any]:
    alt = require("altair")
    scale = alt.Scale(type="log", zero=False, nice=False, padding=12)
    x = alt.X("x:Q", title="times as small", scale=scale, axis=alt.Axis(format=".2~f", tickCount=4))
    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
    )
    shape = alt.Shape("series:N", title=None, scale=alt.Scale(domain=list(_COLOURS)))
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("series", "about", "y")]
    base = alt.Chart().encode(x=x, color=colour, tooltip=tooltip)
    y = alt.Y("y:Q", title="times as fast", scale=scale, axis=alt.Axis(format=".2~f", tickCount=5))
    line = alt.Chart().mark_line(color="#9aa3ad", strokeDash=[4, 3]).encode(x=x, y=alt.Y("x:Q"))
    bars = base.mark_rule(opacity=0.7).encode(y=alt.Y("low:Q"), y2="high:Q")
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(y=y, shape=shape)
    panels = list(dict.fromkeys(value["panel"] for value in values))
    header = alt.Header(title=None, labelFontWeight="bold", labelFontSize=11)
    layers = alt.layer(line, bars, dots, data=alt.Data(values=values))
    drawn = layers.properties(width=_SIZE, height=_SIZE).facet(
        facet=alt.Facet("panel:N", sort=panels, header=header), columns=3
    )
    return plain(drawn.configure_legend(orient="bottom", columns=3, symbolOpacity=1))
