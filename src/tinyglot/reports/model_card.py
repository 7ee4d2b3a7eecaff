"""The model card: Markdown with the front matter that model hubs read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import yaml

from tinyglot.reports.downstream import downstream_lines, has_downstream, scored_stages
from tinyglot.reports.gaps import latency_protocol, unmeasured
from tinyglot.reports.made import HUB_ID, made_steps, provenance, public_name, recipe_of
from tinyglot.reports.markdown import code, inline, table
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import (
    DASH,
    mebibytes,
    millions,
    milliseconds,
    times,
)
from tinyglot.reports.stages import Series, collect_series

AUTO_CLASSES = {"ner": "AutoModelForTokenClassification"}
PIPELINES = {"ner": "token-classification"}
Meta = Mapping[str, Any]
_ORDINARY = "An ordinary transformers checkpoint; tinyglot is not needed."
_SLIM = (
    "Its layers differ in size or have adapters: no ordinary configuration can say so. The class "
    "for that is the one small file `modeling_tinyglot_slim.py` beside the weights, which imports "
    "PyTorch and transformers only; `trust_remote_code=True` lets transformers run it. tinyglot "
    "itself (`tinyglot.load_checkpoint(path)`) does not run it: it has the same class."
)


def render_model_card(rows: pl.DataFrame, stages: Sequence[Mapping[str, Any]], meta: Meta) -> str:
    """Write the card of a run's final checkpoint.

    The same rows, stages and facts give the same bytes. Strings of the data are escaped; paths
    are shortened to their last part.

    Args:
        rows: Long-form rows as ``evaluate`` gives them; may be empty.
        stages: Facts of each stage, its ``name`` among them, in order.
        meta: What is known beside numbers, all optional: ``title``, ``recipe``, ``records``,
            ``base_model`` (a hub id; the recipe's model if that is one), ``license`` (of the base
            model, passed on), ``auto_class``, ``pipeline_tag``, ``synthetic``, ``slim`` (layers
            differ in size), ``not_measured``, ``interval`` (what the intervals of downstream tasks
            are), ``provenance``.

    Returns:
        Markdown.

    Raises:
        DataFormatError: If the rows lack columns.
        MissingInputError: If there is no stage, one without a name, or two of one name.
    """
    series = collect_series(rows, stages)
    parts = [
        _front_matter(meta),
        f"# {inline(_title(meta))}",
        _introduction(series[0], meta),
        *_sections(series, stages, meta),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(series: Sequence[Series], stages: Sequence[Meta], meta: Meta) -> Iterator[str]:
    yield "## How to load it\n\n" + _loading(meta)
    yield "## Size\n\n" + _sizes(series[0])
    if has_downstream(stages):
        yield "## Stages\n\n" + _stages(stages, meta)
    for one in series:
        if one.scored:
            yield f"## Quality: {inline(one.title)}\n\n" + _quality(one, meta)
    yield "## What was not measured\n\n" + _bullets(unmeasured(series, meta))
    if made_steps(meta):
        yield "## How it was made\n\n" + _making(meta)
    yield "## Where it comes from\n\n" + _provenance(meta)


def _front_matter(meta: Meta) -> str:
    languages = [str(tag).split("-")[0] for tag in recipe_of(meta).get("languages", ())]
    task = recipe_of(meta).get("task")
    fields = {
        "language": list(dict.fromkeys(languages)),
        "license": meta.get("license"),
        "base_model": _base_model(meta),
        "library_name": "transformers",
        "pipeline_tag": meta.get("pipeline_tag") or PIPELINES.get(task or ""),
        "tags": ["tinyglot", "multilingual", "compressed", *_methods(meta)],
    }
    known = {name: value for name, value in fields.items() if value}
    return "---\n" + yaml.safe_dump(known, sort_keys=False, allow_unicode=True) + "---"


def _base_model(meta: Meta) -> str | None:
    given = meta.get("base_model") or recipe_of(meta).get("model") or ""
    return str(given) if HUB_ID.fullmatch(str(given)) else None


def _methods(meta: Meta) -> list[str]:
    return list(dict.fromkeys(step.method.replace("_", "-") for step in made_steps(meta)))


def _title(meta: Meta) -> str:
    source = meta.get("base_model") or public_name(recipe_of(meta).get("model"))
    return str(meta.get("title") or (f"A small {source}" if source else "A small model"))


def _introduction(series: Series, meta: Meta) -> str:
    tags = recipe_of(meta).get("languages", ())
    names = ", ".join(f"{inline(language_name(tag))} ({code(tag)})" for tag in tags)
    source = meta.get("base_model") or public_name(recipe_of(meta).get("model")) or "a larger model"
    lines = [f"Made from {code(str(source))} with tinyglot" + (f" for {names}." if names else ".")]
    if not meta.get("license"):
        lines.append("The licence of the base model holds; it is not recorded here.")
    if meta.get("synthetic"):
        lines.append(
            "**The labelled data is synthetic:** sentences generated from templates. The scores "
            "below show that the whole path works; they say nothing about real text."
        )
    ratio = times(
        *(stage.facts.get("size_bytes") for stage in (series.stages[0], series.stages[-1]))
    )
    if ratio[0].isdigit():
        lines.append(f"{ratio} smaller than the original, from first to last stage.")
    return "\n\n".join(lines)


def _loading(meta: Meta) -> str:
    task = recipe_of(meta).get("task")
    auto_class = meta.get("auto_class") or AUTO_CLASSES.get(task or "", "AutoModel")
    slim = bool(meta.get("slim"))
    leave = ", trust_remote_code=True" if slim else ""
    return (
        f"{_SLIM if slim else _ORDINARY}\n\n"
        "```python\n"
        f"from transformers import {auto_class}, AutoTokenizer\n\n"
        'path = "."  # this directory, or the hub id it was uploaded to\n'
        "tokenizer = AutoTokenizer.from_pretrained(path)\n"
        f"model = {auto_class}.from_pretrained(path{leave})\n"
        "```"
    )


def _sizes(series: Series) -> str:
    header = ["stage", "parameters", "of these embedding", "file size", "latency p50"]
    cells = [
        [
            inline(stage.name),
            millions(stage.facts.get("num_parameters")),
            millions(stage.facts.get("num_embedding_parameters")),
            mebibytes(stage.facts.get("size_bytes")),
            milliseconds(stage.facts.get("latency_ms_p50")),
        ]
        for stage in series.stages
    ]
    protocol = latency_protocol(series.stages)
    note = f"\n\nLatency: {inline(protocol)}." if protocol else ""
    return table(header, cells) + note


def _stages(stages: Sequence[Meta], meta: Meta) -> str:
    """Write one line a stage: sizes, pseudo-perplexity, and each task after fine-tuning."""
    lines = downstream_lines(stages)
    names = [inline(str(stage["name"])) for stage in scored_stages(stages)]
    columns = zip(*(texts for _, texts in lines), strict=True)
    cells = [[name, *map(inline, texts)] for name, texts in zip(names, columns, strict=True)]
    note = (
        "Each stage was fine-tuned on each task in the same way; scores are means over seeds. "
        f"{inline(meta.get('interval', ''))}\n\n"
    )
    return note + table(["stage", *(inline(title) for title, _ in lines)], cells)


def _quality(series: Series, meta: Meta) -> str:
    header = ["language", "n", *(inline(stage.name) for stage in series.scored), "change"]
    deltas = {damage.language: damage.delta_points for damage in series.damages()}
    cells = [
        [
            f"{inline(language_name(tag))} ({code(tag)})",
            _n(series, tag),
            *(_score(series, position, tag) for position in range(len(series.scored))),
            series.scale.signed(deltas.get(tag)),
        ]
        for tag in series.languages()
    ]
    origin = " on synthetic data" if meta.get("synthetic") else ""
    note = (
        f"{inline(series.metric)}{origin} in {series.scale.unit}, the 95 % interval over the n "
        "sentences in brackets; change from the first scored stage to the last, most damaged "
        "language first.\n\n"
    )
    return note + table(header, [*cells, *_summary(series)])


def _n(series: Series, tag: str) -> str:
    return next(str(stage.scores[tag].n) for stage in series.scored[::-1] if tag in stage.scores)


def _score(series: Series, position: int, tag: str) -> str:
    score = series.scored[position].scores.get(tag)
    if score is None:
        return DASH
    seeds = f", {score.num_seeds} seeds" if score.num_seeds > 1 else ""
    scale = series.scale
    return f"{scale.points(score.value)} ({scale.interval(score.low, score.high)}{seeds})"


def _summary(series: Series) -> list[list[str]]:
    macro = [series.scale.points(stage.macro_average) for stage in series.scored]
    worst = [
        series.scale.points(stage.scores[stage.worst_language].value)
        + f" ({code(stage.worst_language)})"
        for stage in series.scored
        if stage.worst_language is not None
    ]
    return [
        ["**macro-average**", "", *macro, series.scale.signed(series.macro_delta_points)],
        ["**worst language**", "", *worst, ""],
    ]


def _making(meta: Meta) -> str:
    lines = []
    for number, step in enumerate(made_steps(meta), 1):
        version = f" version {step.version}" if step.version is not None else ""
        lines.append(f"{number}. **{inline(step.method)}**{version}")
        lines += [f"   - {inline(name)}: {code(value)}" for name, value in step.options]
    return "\n".join(lines)


def _provenance(meta: Meta) -> str:
    facts = provenance(meta)
    if not facts:
        return "Not recorded."
    return _bullets(f"{name}: {value}" for name, value in facts.items())


def _bullets(lines: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(f"- {inline(line)}" for line in lines)
