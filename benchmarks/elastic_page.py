"""Writes the table and the figure of docs/studies/elastic.md from results/elastic.json.

python -m benchmarks.elastic_page      the figure needs the extra demo
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.elastic_result import ElasticComparison, elastic_table
from benchmarks.provenance import ROOT
from benchmarks.schema import RESULTS, read_result
from tinyglot.files import write_text
from tinyglot.reports.vega import draw_svg

PAGE = ROOT / "docs" / "studies" / "elastic.md"
FIGURE = ROOT / "docs" / "studies" / "elastic" / "quality.svg"
BEGIN, END = "<!-- begin: python -m benchmarks.elastic_page -->", "<!-- end -->"
ALONE, SLICE = "made alone", "slice"


def main() -> None:
    result = elastic_result()
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")
    FIGURE.parent.mkdir(exist_ok=True)
    write_text(FIGURE, draw_svg(figure(result)))


def elastic_result() -> ElasticComparison:
    result = read_result(RESULTS / "elastic.json").result
    if not isinstance(result, ElasticComparison):
        raise SystemExit("elastic.json holds something else")
    return result


def with_table(text: str, result: ElasticComparison) -> str:
    """Replace what is between the markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    content = "\n".join(elastic_table(result))
    return f"{head}{BEGIN}\n\n{content}\n\n{END}{tail}"


def figure(result: ElasticComparison) -> dict[str, Any]:
    """Put the score of every size as a slice, with its interval, beside that of the other model."""
    x = {"field": "size", "type": "ordinal", "sort": None, "title": "layers × neurons"}
    y = {"field": "f1", "type": "quantitative", "scale": {"zero": False}, "title": "macro F1"}
    colour = {
        "field": "model",
        "type": "nominal",
        "title": None,
        "scale": {"domain": [ALONE, SLICE], "range": ["#8c8c8c", "#c0392b"]},
    }
    interval = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    return {
        "width": 460,
        "height": 300,
        "config": {"view": {"stroke": None}, "axisX": {"labelAngle": 0}},
        "data": {"values": list(_points(result))},
        "layer": [
            {
                "transform": [{"filter": {"field": "model", "equal": SLICE}}],
                "mark": {"type": "rule", "color": "#c0392b", "opacity": 0.5},
                "encoding": {"x": x, **interval},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": colour},
            },
        ],
    }


def _points(result: ElasticComparison) -> Iterator[dict[str, Any]]:
    """The interval is that of the difference, about the model that was made alone."""
    for size in result.sizes:
        alone = size.separate_f1
        ends = {"low": round(alone + size.low, 2), "high": round(alone + size.high, 2)}
        for model, f1 in ((ALONE, alone), (SLICE, size.slice_f1)):
            yield {
                "size": f"{size.layers} × {size.ffn}",
                "model": model,
                "f1": round(f1, 2),
                **ends,
            }


if __name__ == "__main__":
    main()
