"""The charts of a report as Vega-Lite specifications that hold their own data."""

from typing import Any

from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import is_measured
from tinyglot.reports.stages import Series, Stage
from tinyglot.reports.vega import Spec, plain, require

LOSS, GAIN = "#b5442e", "#2a7f62"
MACRO, WORST = "#1f4e79", "#b5442e"
WIDTH = 640
ROW_HEIGHT = 22


def size_chart(series: Series) -> Spec | None:
    """Draw macro-average and worst language over file size, one point a stage.

    Args:
        series: With sizes among the facts of its stages.

    Returns:
        A specification without a schema address, or ``None`` if no stage has size and scores.
    """
    records = [
        record
        for order, stage in enumerate(series.scored)
        if is_measured(stage.facts.get("size_bytes"))
        for record in _size_records(stage, order)
    ]
    if not records:
        return None
    alt = require("altair")
    base = alt.Chart(_inline(alt, records), width=WIDTH, height=300).encode(
        x=alt.X("size_mib:Q", title="file size, MiB (log)", scale=_log_scale(alt)),
        y=alt.Y(
            "points:Q", title=f"{series.metric}, {series.scale.unit}", scale=alt.Scale(zero=False)
        ),
        color=alt.Color("what:N", title=None, scale=_colours(alt)),
        order="order:Q",
        tooltip=["stage:N", "what:N", "language:N", _points(alt, "points"), _mib(alt)],
    )
    labels = base.mark_text(dy=-12, fontSize=11).encode(text="stage:N")
    return plain(base.mark_line(point=alt.OverlayMarkDef(size=70)) + labels)


def _size_records(stage: Stage, order: int) -> list[dict[str, Any]]:
    worst = str(stage.worst_language)
    shared = {"stage": stage.name, "order": order, "size_mib": stage.facts["size_bytes"] / 2**20}
    macro = stage.scale.factor * (stage.macro_average or 0.0)
    lowest = stage.scale.factor * stage.scores[worst].value
    return [
        {**shared, "what": "macro-average", "language": "every one once", "points": macro},
        {**shared, "what": "worst language", "language": worst, "points": lowest},
    ]


def damage_chart(series: Series) -> Spec | None:
    """Draw the change of each language from the first scored stage to the last, worst first.

    Args:
        series: With at least two scored stages.

    Returns:
        A specification without a schema address, or ``None`` if there is nothing to compare.
    """
    damages = series.damages()
    if not damages:
        return None
    records = [
        {
            "language": damage.language,
            "name": language_name(damage.language),
            "delta": damage.delta_points,
            "gain": damage.gain,
            "before": series.scale.factor * damage.before.value,
            "after": series.scale.factor * damage.after.value,
            "n": damage.after.n,
        }
        for damage in damages
    ]
    alt = require("altair")
    order = [record["language"] for record in records]
    points = [_points(alt, field) for field in ("delta", "before", "after")]
    base = alt.Chart(_inline(alt, records), width=WIDTH, height=ROW_HEIGHT * len(records)).encode(
        y=alt.Y("language:N", title=None, sort=order),
        x=alt.X("delta:Q", title=f"change of {_title(series)}"),
        color=alt.condition("datum.gain < 0", alt.value(LOSS), alt.value(GAIN)),
        tooltip=["name:N", "language:N", *points, "n:Q"],
    )
    zero = alt.Chart(_inline(alt, [{"x": 0}])).mark_rule(color="#888").encode(x="x:Q")
    return plain(base.mark_bar() + zero)


def _title(series: Series) -> str:
    return f"{series.metric}, {series.scale.unit}"


def _inline(alt: Any, records: list[dict[str, Any]]) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.Data(values=records)


def _points(alt: Any, field: str) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.Tooltip(f"{field}:Q", format=".1f")


def _mib(alt: Any) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.Tooltip("size_mib:Q", format=".1f", title="MiB")


def _colours(alt: Any) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.Scale(domain=["macro-average", "worst language"], range=[MACRO, WORST])


def _log_scale(alt: Any) -> Any:  # noqa: ANN401  (altair is optional)
    return alt.Scale(type="log", nice=False, padding=60)
