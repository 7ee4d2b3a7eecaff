"""What a report does not know, said aloud."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinyglot.reports.numbers import is_measured
from tinyglot.reports.stages import Series, Stage

MEASURED = {
    "num_parameters": "parameters",
    "size_bytes": "file size",
    "latency_ms_p50": "latency",
}
PROTOCOL = ("device", "threads", "batch", "length", "n")


def unmeasured(series: Sequence[Series], meta: Mapping[str, Any]) -> tuple[str, ...]:
    """List what was not measured, as sentences.

    Args:
        series: Everything that was scored.
        meta: May have ``not_measured``: further sentences.

    Returns:
        Sentences, the general ones first; never empty, since one run is never everything.
    """
    stages = series[0].stages
    lines = [*meta.get("not_measured", ()), *_missing_facts(stages)]
    for one in series:
        lines += _missing_scores(one)
    return (*lines, *_general(series))


def _missing_facts(stages: Sequence[Stage]) -> Iterator[str]:
    for key, word in MEASURED.items():
        names = [stage.name for stage in stages if not is_measured(stage.facts.get(key))]
        if names:
            yield f"No {word}: {', '.join(names)}."
    if any(is_measured(stage.facts.get("latency_ms_p50")) for stage in stages):
        unknown = [key for key in PROTOCOL if all(key not in stage.facts for stage in stages)]
        if unknown:
            yield f"Of the latency it is not recorded: {', '.join(unknown)}."


def _missing_scores(series: Series) -> Iterator[str]:
    without = [stage.name for stage in series.stages if not stage.scores]
    if without:
        yield f"No {series.metric}: {', '.join(without)}."
    every = set(series.languages())
    for stage in series.scored:
        missing = sorted(every - set(stage.scores))
        if missing:
            yield f"No {series.metric} of {stage.name} in {', '.join(missing)}."


def _general(series: Sequence[Series]) -> Iterator[str]:
    seeds = {score.num_seeds for stage in series[0].scored for score in stage.scores.values()}
    if seeds == {1}:
        yield (
            "One training seed: the intervals are over sentences, not over training runs, so a "
            "small difference may be chance."
        )
    if not any("perturbation" in one.key for one in series):
        yield "No robustness (spelling noise, other domains) and no fairness between groups."


def latency_protocol(stages: Sequence[Stage]) -> str:
    """Say how latency was taken, as far as the stages record it.

    Args:
        stages: With ``device``, ``threads``, ``batch``, ``length``, ``n`` among their facts.

    Returns:
        Such as ``device cpu, threads 1, batch 1, length 32, n 20``; empty if nothing is known.
    """
    timed = [stage.facts for stage in stages if is_measured(stage.facts.get("latency_ms_p50"))]
    parts = []
    for key in PROTOCOL:
        values = list(dict.fromkeys(str(facts[key]) for facts in timed if key in facts))
        if values:
            parts.append(f"{key} {' / '.join(values)}")
    return ", ".join(parts)
