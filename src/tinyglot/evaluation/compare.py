"""Two models on the same examples: every language's difference, and whether it may be."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyglot.evaluation.bootstrap import CONFIDENCE, NUM_RESAMPLES, percentiles
from tinyglot.evaluation.choices import MAX_DROP, check_options, check_same_tokens
from tinyglot.evaluation.counts import checked_pairs
from tinyglot.evaluation.differences import (
    Difference,
    holm,
    permutation_p_value,
    resampled_deltas,
    score_pair,
)
from tinyglot.evaluation.flips import (
    check_same_examples,
    flip_counts,
    used_columns,
)
from tinyglot.evaluation.score import Evaluated
from tinyglot.evaluation.verdicts import Allowance, Evidence, Verdict, judge
from tinyglot.languages import LanguageTag
from tinyglot.tasks.task import Counts, Metric, Task

HOLDS, LOSES, INCONCLUSIVE = 0, 1, 3
POINTS = 100.0
MOST_RESAMPLES = 100_000


@dataclass(frozen=True, slots=True)
class LanguageComparison:
    """What two models score in one language.

    Attributes:
        language: Its tag.
        n: Examples.
        dense: Score of the dense model, in the metric's unit.
        small: Score of the small model.
        delta: ``small - dense``; in percentage points where the metric is a share.
        low: Lower end of the interval of ``delta``.
        high: Upper end.
        num_informative: Examples in which either model has a count that the score uses: for F1,
            sentences with an entity that is there or was claimed.
        p_value: Of the permutation test: that the models are equally good.
        adjusted_p_value: After Holm, over the languages that were compared.
        adjusted_drop_p_value: That there is no drop or an allowed one: the larger of the
            permutation test's and the bootstrap's p-value, after Holm.
        verdict: ``holds``, ``loses`` or ``inconclusive``.
        n_needed: Examples that would be enough to tell, if ``inconclusive``; ``None`` otherwise,
            and where no number is enough.
        lost: Examples that only the dense model gets right; ``None`` if the metric is no share.
        gained: Examples that only the small model gets right.
        flip_p_value: McNemar's exact test of whether both are as many.
    """

    language: LanguageTag
    n: int
    dense: float
    small: float
    delta: float
    low: float
    high: float
    num_informative: int
    p_value: float
    adjusted_p_value: float
    adjusted_drop_p_value: float
    verdict: Verdict
    n_needed: int | None
    lost: int | None
    gained: int | None
    flip_p_value: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two models score, language by language.

    Attributes:
        task: Its id.
        metric: Name of the score.
        unit: Of ``dense`` and ``small``.
        delta_unit: Of differences and of ``max_drop``: ``points`` where the metric is a share.
        higher_is_better: Which of two scores is the better one.
        max_drop: Largest drop that is allowed; in metrics where lower is better, largest rise.
        confidence: Of the intervals.
        num_resamples: Of the bootstrap and of the permutation test; more than asked for where
            that many could prove nothing about so many languages.
        seed: Of both.
        same_outputs: Whether the models gave the same outputs, up to rounding.
        languages: Most damaged first.
        macro_average: Averages over languages, with the interval of their difference.
    """

    task: str
    metric: str
    unit: str
    delta_unit: str
    higher_is_better: bool
    max_drop: float
    confidence: float
    num_resamples: int
    seed: int
    same_outputs: bool
    languages: tuple[LanguageComparison, ...]
    macro_average: Difference

    @property
    def exit_code(self) -> int:
        """Say it to a build: 0 all hold, 1 one loses, 3 not enough data to tell.

        Returns:
            The code of ``tinyglot compare``.
        """
        verdicts = {found.verdict for found in self.languages}
        if "loses" in verdicts:
            return LOSES
        return INCONCLUSIVE if "inconclusive" in verdicts else HOLDS

    def worst(self, model: str) -> LanguageComparison:
        """Find the language that a model is worst in.

        Args:
            model: ``dense`` or ``small``.

        Returns:
            What was found there.
        """
        sign = 1.0 if self.higher_is_better else -1.0
        return min(self.languages, key=lambda found: (sign * getattr(found, model), found.language))

    def as_dict(self) -> dict[str, Any]:
        """Give everything that JSON can hold.

        Returns:
            The fields, ``worst_language`` of both models, and ``exit_code``.
        """
        worst = {
            model: {"language": found.language, "value": getattr(found, model)}
            for model, found in ((m, self.worst(m)) for m in ("dense", "small"))
        }
        macro = self.macro_average._asdict()
        own = {"worst_language": worst, "exit_code": self.exit_code, "macro_average": macro}
        return {**asdict(self), **own}


def compare_evaluated(  # noqa: PLR0913  (each is an option of the comparison)
    dense: Mapping[LanguageTag, Evaluated],
    small: Mapping[LanguageTag, Evaluated],
    task: Task[Any, Any],
    *,
    metric: Metric | None = None,
    max_drop: float = MAX_DROP,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
    same_outputs: bool = False,
) -> Comparison:
    """Compare what two models said about the same examples.

    Args:
        dense: What the one model said, by language.
        small: What the other said.
        task: The task.
        metric: One of its metrics; the main one if ``None``.
        max_drop: Largest drop that is allowed: percentage points where the metric is a share, the
            metric's own unit elsewhere.
        confidence: Of the intervals.
        seed: Of the resamples and permutations.
        num_resamples: How many of each.
        same_outputs: Whether the models are known to compute the same; they hold at any number of
            examples then.

    Returns:
        Every language's difference and verdict, most damaged first.

    Raises:
        ComparisonError: If ``max_drop`` or ``confidence`` is out of range, or scores are a token
            and the models' tokens differ.
        UnpairedExamplesError: If languages or examples differ.
        NoExamplesError: If a language has no example.
        NonFiniteScoreError: If a count or a score is infinite or no number.
    """
    check_options(max_drop, confidence)
    check_same_examples(dense, small)
    metric = metric or task.metrics[0]
    check_same_tokens(dense, small, metric)
    scale = POINTS if metric.unit == "fraction" else 1.0
    allowed = Allowance(
        max_drop / scale,
        confidence,
        is_share=metric.unit == "fraction",
        higher_is_better=metric.higher_is_better,
        same_outputs=same_outputs,
        num_languages=len(dense),
    )
    num_resamples = _enough_resamples(num_resamples, allowed)
    pairs = {tag: (dense[tag], small[tag]) for tag in sorted(dense)}
    deltas = [
        resampled_deltas(
            before.counts,
            after.counts,
            metric.scores,
            seed + zlib.crc32(tag.encode()),
            num_resamples,
        )
        for tag, (before, after) in pairs.items()
    ]
    p_values = [
        permutation_p_value(before.counts, after.counts, metric.scores, seed, num_resamples)
        for before, after in pairs.values()
    ]
    drops = [max(p, _drop_p_value(d, allowed)) for p, d in zip(p_values, deltas, strict=True)]
    tested = zip(p_values, holm(p_values), holm(drops), strict=True)
    found = [
        _language(tag, pair, metric, (drawn, tests), allowed)
        for (tag, pair), drawn, tests in zip(pairs.items(), deltas, tested, strict=True)
    ]
    return Comparison(
        task=task.id,
        metric=metric.name,
        unit=metric.unit,
        delta_unit="points" if metric.unit == "fraction" else metric.unit,
        higher_is_better=metric.higher_is_better,
        max_drop=max_drop,
        confidence=confidence,
        num_resamples=num_resamples,
        seed=seed,
        same_outputs=same_outputs,
        languages=tuple(sorted(found, key=lambda one: _damage_order(one, metric))),
        macro_average=_macro_average(found, np.mean(deltas, axis=0), scale, confidence),
    )


def _language(
    tag: LanguageTag,
    pair: tuple[Evaluated, Evaluated],
    metric: Metric,
    found: tuple[NDArray[np.float64], tuple[float, float, float]],
    allowed: Allowance,
) -> LanguageComparison:
    deltas, tests = found
    counts = pair[0].counts, pair[1].counts
    before, after = score_pair(*counts, metric.scores)
    difference = Difference(before, after, after - before, *percentiles(deltas, allowed.confidence))
    evidence = Evidence(len(counts[0]), _num_informative(counts, metric), *tests[1:])
    verdict, needed = judge(difference, evidence, allowed)
    flips = flip_counts(*counts, metric) if allowed.is_share else None
    scale = POINTS if allowed.is_share else 1.0
    return LanguageComparison(
        tag,
        evidence.n,
        before,
        after,
        scale * difference.delta,
        scale * difference.low,
        scale * difference.high,
        evidence.num_informative,
        *tests,
        verdict,
        needed,
        *(flips or (None, None, None)),
    )


def _num_informative(counts: tuple[Counts, Counts], metric: Metric) -> int:
    """Count the examples in which either model has a count that the score uses."""
    both = np.stack(checked_pairs(*counts))
    used = both[..., used_columns(metric, both.shape[-1])]
    return int(used.any(axis=(0, -1)).sum())


def _drop_p_value(deltas: NDArray[np.float64], allowed: Allowance) -> float:
    """Say how often a resample has no drop or an allowed one, two-sided as the interval is."""
    gains = deltas if allowed.higher_is_better else -deltas
    inside = int((gains >= -allowed.max_drop).sum())
    return min(1.0, 2 * (1 + inside) / (1 + len(gains)))


def _enough_resamples(num_resamples: int, allowed: Allowance) -> int:
    """Take so many that the smallest p-value, after Holm, is half of what is to be undercut."""
    needed = math.ceil(4 * allowed.num_languages / (1.0 - allowed.confidence))
    return max(num_resamples, min(needed, MOST_RESAMPLES))


def _macro_average(
    found: list[LanguageComparison], deltas: NDArray[np.float64], scale: float, confidence: float
) -> Difference:
    """Average over languages, which were resampled each on its own."""
    before, after, delta = (
        float(np.mean([getattr(one, name) for one in found]))
        for name in ("dense", "small", "delta")
    )
    return Difference(before, after, delta, *percentiles(scale * deltas, confidence))


def _damage_order(found: LanguageComparison, metric: Metric) -> tuple[float, LanguageTag]:
    return (found.delta if metric.higher_is_better else -found.delta), found.language
