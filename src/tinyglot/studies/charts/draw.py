"""Lines over sparsity in small panels, and points with a name: the two kinds of chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinyglot.reports.vega import Spec, plain, require

BLUE, ORANGE, GREEN, AMBER, GREY = "#0072b2", "#d55e00", "#009e73", "#b8860b", "#6b7280"
"""Told apart also by those who see few colours; lines differ in their dashes besides."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 3])
SPARSITY = "sparsity, % (0: dense)"
COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 190, 150
DECIMALS = 6

Record = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One figure of a study.

    Attributes:
        name: Of its file, without the ending.
        title: What it shows.
        caption: Unit, n, seeds, and what bands and bars are.
        spec: A Vega-Lite specification that holds its data.
    """

    name: str
    title: str
    caption: str
    spec: Spec


@dataclass(frozen=True)
class Look:
    """How the lines of a chart are told apart.

    Attributes:
        y_title: What is measured, with its unit.
        colours: By series, in the order of the legend.
        is_band: Whether intervals are a shaded band; else a bar at each point.
        x_title: What is on the axis across, in per cent.
    """

    y_title: str
    colours: Mapping[str, str]
    is_band: bool = False
    x_title: str = SPARSITY


def line_panels(records: Iterable[Record], look: Look) -> Spec:
    """Draw lines over sparsity, one panel for each group.

    Args:
        records: With ``panel``, ``series``, ``x`` (sparsity in per cent), ``y``, ``low`` and
            ``high`` (``None`` where there is no interval) and ``about`` (shown at the pointer);
            panels in the order in which they come.
        look: Of the lines.

    Returns:
        A specification without a schema address.
    """
    alt = require("altair")
    values = [_rounded(record) for record in records]
    base = alt.Chart().encode(x=_x(alt, look), color=_colour(alt, look), tooltip=_tooltips(alt))
    y = alt.Y("y:Q", title=look.y_title, scale=alt.Scale(zero=False))
    dashes = list(DASHES[: len(look.colours)])
    dash = alt.StrokeDash(
        "series:N", title=None, scale=alt.Scale(domain=list(look.colours), range=dashes)
    )
    shape = alt.Shape("series:N", title=None, scale=alt.Scale(domain=list(look.colours)))
    known = alt.FieldGTEPredicate(field="high", gte=-1e9)
    interval = base.transform_filter(known).encode(y=alt.Y("low:Q"), y2="high:Q")
    drawn = interval.mark_area(opacity=0.18) if look.is_band else interval.mark_rule(opacity=0.7)
    lines = base.mark_line(strokeWidth=1.8).encode(y=y, strokeDash=dash)
    dots = base.mark_point(filled=True, size=36, opacity=1).encode(y=y, shape=shape)
    layers = alt.layer(drawn, lines, dots, data=alt.Data(values=values))
    return plain(_facet(alt, layers, values))


def named_points(records: Iterable[Record], look: Look, x_title: str) -> Spec:
    """Draw points that carry a name, one panel for each group.

    Args:
        records: With ``panel``, ``name``, ``x``, ``y`` and ``about``.
        look: Of the points, which are of one series.
        x_title: What is on the other axis, with its unit.

    Returns:
        A specification without a schema address.
    """
    alt = require("altair")
    values = [_rounded(record) for record in records]
    scale = alt.Scale(zero=False, padding=24)
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=x_title, scale=scale),
        y=alt.Y("y:Q", title=look.y_title, scale=scale),
        color=alt.value(next(iter(look.colours.values()))),
        tooltip=[alt.Tooltip("about:N", title="is")],
    )
    names = base.mark_text(dx=6, align="left", fontSize=10).encode(text="name:N")
    layers = alt.layer(base.mark_point(filled=True, size=48), names, data=alt.Data(values=values))
    return plain(_facet(alt, layers, values, width=2 * PANEL_WIDTH, height=2 * PANEL_HEIGHT))


def _facet(
    alt: Any,  # noqa: ANN401  (altair is optional)
    layers: Any,  # noqa: ANN401
    values: Sequence[Record],
    width: int = PANEL_WIDTH,
    height: int = PANEL_HEIGHT,
) -> Any:  # noqa: ANN401
    panels = list(dict.fromkeys(record["panel"] for record in values))
    header = alt.Header(title=None, labelFontWeight="bold", labelFontSize=11)
    facet = alt.Facet("panel:N", sort=panels, header=header)
    sized = layers.properties(width=width, height=height)
    columns = 2 if len(panels) in (2, 4) else min(COLUMNS, len(panels))
    return sized.facet(facet=facet, columns=columns).configure_legend(
        orient="bottom",
        labelLimit=400,
        columns=2,
        symbolSize=80,
        symbolOpacity=1,
        symbolStrokeWidth=0,
    )


def _x(alt: Any, look: Look) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.X("x:Q", title=look.x_title, scale=alt.Scale(domain=[0, 100]))


def _colour(alt: Any, look: Look) -> Any:  # noqa: ANN401  (altair is optional)
    scale = alt.Scale(domain=list(look.colours), range=list(look.colours.values()))
    return alt.Color("series:N", title=None, scale=scale)


def _tooltips(alt: Any) -> list[Any]:  # noqa: ANN401  (altair is optional)
    shown = [alt.Tooltip(f"{field}:N", title=field) for field in ("panel", "series", "about")]
    numbers = [alt.Tooltip("x:Q", title="sparsity, %"), alt.Tooltip("y:Q", format=".2f")]
    return [*shown, *numbers]


def _rounded(record: Record) -> Record:
    """Drop digits that say nothing, so that the same rows give the same bytes everywhere."""
    return {
        key: round(value, DECIMALS) if isinstance(value, float) else value
        for key, value in record.items()
    }
