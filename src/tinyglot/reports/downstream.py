"""Every stage on every downstream task: sizes, pseudo-perplexity, scores, and what is retained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tinyglot.reports.numbers import DASH, mebibytes, millions, points
from tinyglot.reports.scale import Scale
from tinyglot.reports.stages import metric_title

Facts = Mapping[str, Any]
Line = tuple[str, tuple[str, ...]]

KEY = "downstream"
"""Where facts of a stage, and of a run, keep this."""

_MLM = ("mlm", "pseudo_perplexity")
_SIZES: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("parameters", "num_parameters", millions),
    ("of these embedding", "num_embedding_parameters", millions),
    ("others", "num_other_parameters", millions),
    ("file size", "size_bytes", mebibytes),
)


def has_downstream(stages: Sequence[Facts]) -> bool:
    """Tell whether any stage was scored on a downstream task or on text."""
    return any(stage.get(KEY) for stage in stages)


def downstream_lines(stages: Sequence[Facts]) -> list[Line]:
    """List what is known of the stages, one line a fact, in the same order everywhere.

    Args:
        stages: Facts of each stage that was fine-tuned, as ``stage_facts`` gives them.

    Returns:
        A title and a text for each stage.
    """
    shown = scored_stages(stages)
    sizes = [(title, tuple(text(stage.get(key)) for stage in shown)) for title, key, text in _SIZES]
    macro = tuple(_retention(stage[KEY].get("macro_retention")) for stage in shown)
    lines = [*sizes, *_perplexities(shown), *_scores(shown), ("macro retention", macro)]
    return [line for line in lines if any(text != DASH for text in line[1])]


def scored_stages(stages: Sequence[Facts]) -> list[Facts]:
    """Leave out the stages that no downstream task was asked of, such as an export."""
    return [stage for stage in stages if stage.get(KEY)]


def downstream_table(stages: Sequence[Facts], note: str = "") -> Table:
    """Put all stages beside each other, for a terminal.

    Args:
        stages: As for ``downstream_lines``.
        note: What the intervals are.

    Returns:
        A table to print.
    """
    table = Table(caption=Text(note), caption_justify="left")
    table.add_column("", no_wrap=True)
    for stage in scored_stages(stages):
        table.add_column(Text(str(stage["name"]).replace("_", " ")), justify="right")
    for title, texts in downstream_lines(stages):
        table.add_row(Text(title), *(Text(text) for text in texts))
    return table


def _perplexities(stages: Sequence[Facts]) -> Iterator[Line]:
    scale, found = Scale.of(*_MLM), [stage[KEY].get(_MLM[1]) or {} for stage in stages]
    tags = list(dict.fromkeys(tag for one in found for tag in one))
    for tag in tags:
        texts = (_score(scale, one.get(tag)) for one in found)
        yield _titled("pseudo-perplexity", tag, tags), tuple(texts)


def _scores(stages: Sequence[Facts]) -> Iterator[Line]:
    """Give each score two lines: what it is, and what is left of the original's."""
    entries = [
        {(e["task"], e["metric"], e["language"]): e for e in stage[KEY].get("scores", ())}
        for stage in stages
    ]
    keys = list(dict.fromkeys(key for one in entries for key in one))
    tags = list(dict.fromkeys(tag for _, _, tag in keys))
    for task, metric, tag in keys:
        found = [one.get((task, metric, tag)) for one in entries]
        title = _titled(f"{task} {metric_title(metric)}", tag, tags)
        scale = Scale.of(task, metric)
        yield title, tuple(_score(scale, entry) for entry in found)
        kept = (_retention((entry or {}).get("quality_retention")) for entry in found)
        yield f"{title}, retained", tuple(kept)


def _titled(title: str, tag: str, tags: Sequence[str]) -> str:
    return title if len(tags) == 1 else f"{title} {tag}"


def _score(scale: Scale, entry: Facts | None) -> str:
    if not entry:
        return DASH
    return f"{scale.points(entry['value'])} ({scale.interval(entry['low'], entry['high'])})"


def _retention(entry: Facts | None) -> str:
    if not entry:
        return DASH
    return f"{points(entry['value'])} % ({points(entry['low'])}–{points(entry['high'])})"
