"""The report of a run: one HTML page that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from tinyglot.reports import numbers
from tinyglot.reports.charts import damage_chart, size_chart
from tinyglot.reports.downstream import downstream_lines, has_downstream, scored_stages
from tinyglot.reports.gaps import latency_protocol, unmeasured
from tinyglot.reports.made import made_steps, provenance, public_name, recipe_of
from tinyglot.reports.names import language_name
from tinyglot.reports.stages import Series, Stage, collect_series
from tinyglot.reports.vega import DRAW, Spec, library, policy, script_json


def render_report(
    rows: pl.DataFrame, stages: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]
) -> str:
    """Write everything that a run found on one self-contained HTML page.

    The same rows, stages and facts give the same bytes. Every string of the data is escaped, and
    the page's own policy forbids scripts other than its two and every access to a network.

    Args:
        rows: Long-form rows as ``evaluate`` gives them, one a language; may be empty. ``model``
            is the stage's name.
        stages: In order; each with ``name`` and what was measured of ``num_parameters``,
            ``num_embedding_parameters``, ``size_bytes``, ``latency_ms_p50``, ``latency_ms_p95``,
            and the protocol (``device``, ``threads``, ``batch``, ``length``, ``n``).
        meta: What is known beside numbers, all optional: ``title``, ``recipe``, ``records``,
            ``synthetic`` (whether the labelled data is), ``not_measured`` (sentences),
            ``interval`` (what the intervals of downstream tasks are), ``provenance`` (value by
            name).

    Returns:
        The page.

    Raises:
        DataFormatError: If the rows lack columns.
        MissingInputError: If there is no stage, one without a name, or two of one name.
        MissingExtraError: If altair or vl-convert is not installed.
    """
    series = collect_series(rows, stages)
    charts = _charts(series)
    script = Markup(library() if charts else "")  # noqa: S704  (a package's script, no data)
    return _template().render(
        title=str(meta.get("title") or _default_title(meta)),
        synthetic=bool(meta.get("synthetic")),
        series=series,
        stages=series[0].stages,
        compared=_ends(series[0].stages, "size_bytes"),
        timed=_ends(series[0].stages, "latency_ms_p50"),
        protocol=latency_protocol(series[0].stages),
        gaps=unmeasured(series, meta),
        steps=made_steps(meta),
        downstream=downstream_lines(stages) if has_downstream(stages) else (),
        downstream_stages=[str(stage["name"]) for stage in scored_stages(stages)],
        interval=str(meta.get("interval") or ""),
        provenance=provenance(meta),
        charts=charts,
        charts_json=script_json(charts),
        library=script,
        draw=Markup(DRAW),  # noqa: S704  (a constant)
        policy=policy(script, DRAW),
    )


def _default_title(meta: Mapping[str, Any]) -> str:
    model = public_name(recipe_of(meta).get("model"))
    return f"tinyglot report: {model}" if model else "tinyglot report"


def _charts(series: Sequence[Series]) -> dict[str, Spec]:
    drawn = {}
    for position, one in enumerate(series):
        drawn[f"size-{position}"] = size_chart(one)
        drawn[f"damage-{position}"] = damage_chart(one)
    return {place: spec for place, spec in drawn.items() if spec is not None}


def _ends(stages: Sequence[Stage], key: str) -> tuple[Stage, Stage] | None:
    """Give the first and the last stage for which a fact was measured."""
    known = [stage for stage in stages if numbers.is_measured(stage.facts.get(key))]
    return (known[0], known[-1]) if len(known) > 1 else None


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        millions=numbers.millions,
        mebibytes=numbers.mebibytes,
        milliseconds=numbers.milliseconds,
        language_name=language_name,
    )
    environment.globals.update(times=numbers.times)
    source = files("tinyglot.reports").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
