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
    """Put the score of every size, made alone and as a slice, over its encoder's parameters."""
    x = {
        "field": "encoder",
        "type": "quantitative",
        "scale": {"type": "log"},
        "title": "parameters outside the embedding (M)",
    }
    y = {
        "field": "f1",
        "type": "quantitative",
        "scale": {"zero": False},
        "title": "macro F1",
    }
    colour = {
        "field": "model",
        "type": "nominal",
        "title": None,
        "scale": {"domain": [ALONE, SLICE], "range": ["#8c8c8c", "#c0392b"]},
    }
    base = {"x": x, "y": y}
    name = {"align": "center", "dy": 14, "fontSize": 9}
    return {
        "width": 460,
        "height": 300,
        "config": {"view": {"stroke": None}},
        "data": {"values": list(_points(result))},
        "layer": [
            {"mark": {"type": "rule", "opacity": 0.4}, "encoding": _joined(base)},
            {
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {**base, "color": colour},
            },
            {
                "transform": [{"filter": {"field": "model", "equal": SLICE}}],
                "mark": {"type": "text", **name},
                "encoding": {**base, "text": {"field": "size", "type": "nominal"}},
            },
        ],
    }


def _joined(base: dict[str, Any]) -> dict[str, Any]:
    """From the model made alone down to the slice."""
    ends = {"y": {**base["y"], "field": "f1"}, "y2": {"field": "other"}}
    return {"x": base["x"], **ends}


def _points(result: ElasticComparison) -> Iterator[dict[str, Any]]:
    for size in result.sizes:
        shared = {
            "size": f"{size.layers} × {size.ffn}",
            "encoder": round(size.num_encoder_parameters / 1e6, 3),
        }
        scores = round(size.separate_f1, 2), round(size.slice_f1, 2)
        for model, f1, other in ((ALONE, *scores), (SLICE, *reversed(scores))):
            yield {**shared, "model": model, "f1": f1, "other": other}


if __name__ == "__main__":
    main()
