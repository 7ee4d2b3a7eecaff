"""The stages of a job, their facts and their scores per language, as every report shows them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tinyglot.errors import DataFormatError, MissingInputError
from tinyglot.languages import LanguageTag
from tinyglot.reports.scale import PERCENTAGE_POINTS, Scale

REQUIRED_COLUMNS = ("model", "language", "metric", "value", "n")
SERIES_COLUMNS = ("task", "dataset", "split", "perturbation", "metric")
UNPERTURBED = "none"


@dataclass(frozen=True)
class Score:
    """One language's score at one stage.

    Attributes:
        value: As in the rows, from 0 to 1 where it is a share; the mean over seeds.
        low: Lower end of the interval; the lowest over seeds.
        high: Upper end of the interval; the highest over seeds.
        n: Sentences scored.
        num_seeds: Training runs behind the value.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    num_seeds: int


@dataclass(frozen=True)
class Stage:
    """One checkpoint or export on the way from the original to the result.

    Attributes:
        name: As in the ``model`` column of the rows.
        facts: What was measured, such as ``num_parameters`` and ``size_bytes``.
        scores: By language; empty where nothing was scored.
        scale: How they are shown, and which is the worst.
    """

    name: str
    facts: Mapping[str, Any]
    scores: Mapping[LanguageTag, Score]
    scale: Scale = PERCENTAGE_POINTS

    @property
    def macro_average(self) -> float | None:
        """The mean over languages, each counted once."""
        values = [score.value for score in self.scores.values()]
        return sum(values) / len(values) if values else None

    @property
    def worst_language(self) -> LanguageTag | None:
        """The language with the worst score; the first by tag among equals."""
        if not self.scores:
            return None
        sign = 1 if self.scale.higher_is_better else -1
        return min(sorted(self.scores), key=lambda tag: sign * self.scores[tag].value)


@dataclass(frozen=True)
class Damage:
    """What became of one language between two stages.

    Attributes:
        language: Its tag.
        before: At the first scored stage.
        after: At the last scored stage.
        scale: How scores are shown.
    """

    language: LanguageTag
    before: Score
    after: Score
    scale: Scale = PERCENTAGE_POINTS

    @property
    def delta_points(self) -> float:
        """After minus before, in percentage points or the metric's own unit."""
        return self.scale.factor * (self.after.value - self.before.value)

    @property
    def gain(self) -> float:
        """How much better it has become; below 0 where it has lost."""
        return self.delta_points if self.scale.higher_is_better else -self.delta_points


@dataclass(frozen=True)
class Series:
    """All stages under one task, dataset, split, perturbation and metric.

    Attributes:
        key: Those five, as far as the rows have them.
        stages: In the order of the job.
        scale: How its scores are shown.
    """

    key: Mapping[str, str]
    stages: tuple[Stage, ...]
    scale: Scale = PERCENTAGE_POINTS

    @property
    def metric(self) -> str:
        """The metric as a heading shows it."""
        return metric_title(self.key["metric"])

    @property
    def title(self) -> str:
        """Task, split, dataset and perturbation in one line."""
        words = [self.key[name] for name in SERIES_COLUMNS[:-1] if self.key.get(name)]
        return ", ".join([self.metric, *words])

    @property
    def scored(self) -> tuple[Stage, ...]:
        """The stages that have scores."""
        return tuple(stage for stage in self.stages if stage.scores)

    def damages(self) -> tuple[Damage, ...]:
        """Compare the last scored stage with the first, most damaged language first."""
        if len(self.scored) < 2:
            return ()
        before, after = self.scored[0].scores, self.scored[-1].scores
        shared = sorted(set(before) & set(after))
        pairs = [Damage(tag, before[tag], after[tag], self.scale) for tag in shared]
        return tuple(sorted(pairs, key=lambda pair: pair.gain))

    @property
    def macro_delta_points(self) -> float | None:
        """The mean change over the languages that both ends have; each counts once."""
        deltas = [damage.delta_points for damage in self.damages()]
        return sum(deltas) / len(deltas) if deltas else None

    def languages(self) -> tuple[LanguageTag, ...]:
        """List every scored language, most damaged first, then those without a comparison."""
        compared = [damage.language for damage in self.damages()]
        every = {language for stage in self.stages for language in stage.scores}
        return (*compared, *sorted(every - set(compared)))


def metric_title(metric: str) -> str:
    """Write a metric as a heading shows it: ``f1`` becomes ``F1``."""
    return metric.upper() if len(metric) <= 3 else metric.replace("_", " ")


def collect_series(rows: pl.DataFrame, stages: Sequence[Mapping[str, Any]]) -> tuple[Series, ...]:
    """Join long-form rows with the facts of the stages.

    A model in the rows that no stage describes becomes a stage at the end.

    Args:
        rows: One row a language, as ``evaluate`` gives them; may be empty.
        stages: Facts of each stage, its ``name`` among them, in the order of the job; may be
            empty if there are rows.

    Returns:
        One series a task, dataset, split, perturbation and metric, in the order of the rows; a
        single one without scores if there are no rows.

    Raises:
        DataFormatError: If the rows lack columns.
        MissingInputError: If there is neither row nor stage, a stage without a name, or two of
            one name.
    """
    facts = _facts_by_name(stages)
    if rows.is_empty() and not facts:
        raise _bad_stages("there is none", "0 rows, 0 stages")
    if rows.is_empty():
        return (_series({"metric": "score"}, rows, facts),)
    _check_columns(rows)
    keys = [name for name in SERIES_COLUMNS if name in rows.columns]
    parts = rows.partition_by(keys, as_dict=True, maintain_order=True)
    return tuple(_series(_series_key(keys, values), part, facts) for values, part in parts.items())


def _facts_by_name(stages: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    names = [str(stage.get("name") or "") for stage in stages]
    if not all(names):
        raise _bad_stages("one has no name", [dict(stages[names.index("")])])
    if len(set(names)) < len(names):
        raise _bad_stages("two have the same name", names)
    return dict(zip(names, stages, strict=True))


def _bad_stages(why: str, got: object) -> MissingInputError:
    return MissingInputError(
        f"Could not report the stages: {why}.",
        got=got,
        expected="stages with different names, each what the rows call the model",
        fix="give a 'name' to each, such as {'name': 'source', 'size_bytes': 1234}",
    )


def _check_columns(rows: pl.DataFrame) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in rows.columns]
    if missing:
        raise DataFormatError(
            f"Could not report the results: {len(missing)} column(s) are missing.",
            got=f"columns {', '.join(rows.columns)}",
            expected=f"also {', '.join(missing)}",
            fix="give the rows that `evaluate` returns",
        )


def _series_key(names: Sequence[str], values: Sequence[Any]) -> dict[str, str]:
    return {
        name: str(value)
        for name, value in zip(names, values, strict=True)
        if value not in (None, "", UNPERTURBED)
    }


def _series(key: dict[str, str], rows: pl.DataFrame, facts: Mapping[str, Any]) -> Series:
    models = rows["model"].unique(maintain_order=True).to_list() if rows.height else []
    names = [*facts, *(name for name in models if name not in facts)]
    scores = {name: _scores(rows.filter(pl.col("model") == name)) for name in models}
    scale = Scale.of(key.get("task"), key["metric"])
    stages = (Stage(name, facts.get(name, {}), scores.get(name, {}), scale) for name in names)
    return Series(key, tuple(stages), scale)


def _scores(rows: pl.DataFrame) -> dict[LanguageTag, Score]:
    by_language = rows.partition_by("language", as_dict=True, maintain_order=True)
    scores = {str(language): _score(part) for (language,), part in by_language.items()}
    return {language: score for language, score in scores.items() if math.isfinite(score.value)}


def _score(rows: pl.DataFrame) -> Score:
    values = [float("nan") if value is None else float(value) for value in rows["value"]]
    return Score(
        value=sum(values) / len(values),
        low=_extreme(rows, "low"),
        high=_extreme(rows, "high"),
        n=int(rows["n"].max() or 0),  # type: ignore[arg-type]  # an integer column
        num_seeds=rows["seed"].n_unique() if "seed" in rows.columns else 1,
    )


def _extreme(rows: pl.DataFrame, column: str) -> float | None:
    if column not in rows.columns:
        return None
    values = [float(value) for value in rows[column] if value is not None and math.isfinite(value)]
    if not values:
        return None
    return min(values) if column == "low" else max(values)
