"""What the stages score, and what each retains of the original, with paired intervals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tinyglot.evaluation.bootstrap import CONFIDENCE, NUM_RESAMPLES
from tinyglot.evaluation.retention import (
    Estimate,
    SeededScores,
    mean_estimate,
    retentions,
    seeded_scores,
)
from tinyglot.recipes.downstream.cells import Cell
from tinyglot.recipes.downstream.checks import SOURCE, chosen_stages
from tinyglot.recipes.run import Run
from tinyglot.tasks.task import Metric

INTERVAL = (
    "95 % percentile intervals of {num_resamples:,} resamples. Each draws the scored sentences and "
    "the {num_seeds} training seed(s) with replacement, the same ones for every stage, so that "
    "retention is paired with the original fine-tuned in the same way. Few seeds say little of "
    "what other trainings would give; the macro-average resamples each task and language on its "
    "own, and every task counts once in a language, every language once."
)
_PERPLEXITY = "pseudo_perplexity"


class Scored(NamedTuple):
    """One task, language and metric at all stages.

    Attributes:
        task: Its id.
        language: Tag.
        metric: What is scored.
        is_main: Whether it is the task's first metric, which the macro-average takes.
        n: Sentences.
        found: Scores of the stages, in order.
    """

    task: str
    language: str
    metric: Metric
    is_main: bool
    n: int
    found: SeededScores


def summarise(run: Run, cells: Iterable[Cell], left_out: Sequence[str]) -> dict[str, Any]:
    """Put all stages side by side.

    Args:
        run: The run.
        cells: All that were scored, stage by stage.
        left_out: Sentences on what was not.

    Returns:
        JSON values: by stage the scores, retention and pseudo-perplexity; what the intervals are.
    """
    names = chosen_stages(run.recipe)
    scored = _scored(run, list(cells), names)
    section = run.recipe.downstream
    seeds = section.seeds if section else ()
    return {
        "split": section.split if section else "",
        "seeds": list(seeds),
        "confidence": CONFIDENCE,
        "interval": INTERVAL.format(num_resamples=NUM_RESAMPLES, num_seeds=len(seeds)),
        "left_out": list(left_out),
        "stages": {
            name: {
                "scores": [_entry(one, place, names) for one in scored],
                "macro_retention": _macro_retention(scored, place, names),
                _PERPLEXITY: _perplexity(run, name),
            }
            for place, name in enumerate(names)
        },
    }


def _scored(run: Run, cells: Sequence[Cell], names: Sequence[str]) -> list[Scored]:
    by_task: dict[str, list[Cell]] = {}
    for cell in cells:
        by_task.setdefault(str(cell.options.task), []).append(cell)
    return [
        one for of_task in by_task.values() for one in _of_task(of_task, names, run.recipe.seed)
    ]


def _of_task(cells: Sequence[Cell], names: Sequence[str], seed: int) -> Iterable[Scored]:
    task = cells[0].task
    counts = [[cell.counts() for cell in cells if cell.stage.name == name] for name in names]
    for tag in cells[0].options.languages:
        table = [[one[tag] for one in seeds] for seeds in counts]
        for metric in task.scored_metrics:
            found = seeded_scores(table, metric.scores, seed, f"{task.id} {tag}")
            is_main = metric is task.scored_metrics[0]
            yield Scored(task.id, tag, metric, is_main, len(table[0][0]), found)


def _entry(one: Scored, place: int, names: Sequence[str]) -> dict[str, Any]:
    kept = _retained(one, place, names)
    return {
        "task": one.task,
        "language": one.language,
        "metric": one.metric.name,
        "n": one.n,
        **one.found.estimate(place)._asdict(),
        "quality_retention": kept._asdict() if kept else None,
    }


def _retained(one: Scored, place: int, names: Sequence[str]) -> Estimate | None:
    if SOURCE not in names or not one.metric.higher_is_better:
        return None
    kept = retentions([one.found], place, names.index(SOURCE))
    return mean_estimate(kept) if kept else None


def _macro_retention(
    scored: Sequence[Scored], place: int, names: Sequence[str]
) -> dict[str, Any] | None:
    """Average over the tasks of each language, then over languages."""
    main = [one for one in scored if one.is_main and one.metric.higher_is_better]
    if SOURCE not in names or not main:
        return None
    by_language: dict[str, list[SeededScores]] = {}
    for one in main:
        by_language.setdefault(one.language, []).append(one.found)
    kept = [retentions(found, place, names.index(SOURCE)) for found in by_language.values()]
    means = [_mean(one) for one in kept if one is not None]
    if len(means) < len(kept):
        return None
    values = np.array([one.values for one in means])
    drawn = np.column_stack([one.drawn for one in means])
    num_tasks = len({one.task for one in main})
    return {**mean_estimate(SeededScores(values, drawn))._asdict(), "num_tasks": num_tasks}


def _mean(found: SeededScores) -> SeededScores:
    return SeededScores(found.values.mean(), found.drawn.mean(axis=1))


def _perplexity(run: Run, name: str) -> Mapping[str, Any]:
    path = run.downstream / name / "perplexity.parquet"
    if not path.exists():
        return {}
    rows = pl.read_parquet(path).filter(pl.col("metric") == _PERPLEXITY)
    return {
        row["language"]: {key: row[key] for key in ("value", "low", "high", "n")}
        for row in rows.to_dicts()
    }
