"""Whether a language holds, loses, or needs more sentences before anyone can tell."""

import math
from fractions import Fraction
from typing import Literal, NamedTuple

from scipy import stats

from tinyglot.evaluation.differences import Difference, examples_needed

Verdict = Literal["holds", "loses", "inconclusive"]


class Allowance(NamedTuple):
    """What a small model may lose, and how sure one must be.

    Attributes:
        max_drop: Largest drop that is allowed, in the score's own unit.
        confidence: Of the intervals.
        is_share: Whether the score is a share of what is right, in [0, 1].
        higher_is_better: Which of two scores is the better one.
        same_outputs: Whether both models are known to compute the same.
        num_languages: How many are asked about at once.
    """

    max_drop: float
    confidence: float
    is_share: bool
    higher_is_better: bool
    same_outputs: bool
    num_languages: int


class Evidence(NamedTuple):
    """What speaks for a verdict, beside the difference and its interval.

    Attributes:
        n: Examples of the language.
        num_informative: Those in which either model has a count that the score uses: for F1,
            sentences with an entity that is there or was claimed.
        equal_p_value: That the models are equally good, after Holm.
        allowed_p_value: That the drop is none or no larger than allowed, after Holm.
    """

    n: int
    num_informative: int
    equal_p_value: float
    allowed_p_value: float


def judge(
    difference: Difference, evidence: Evidence, allowed: Allowance
) -> tuple[Verdict, int | None]:
    """Say whether a language keeps what it must.

    It *holds* if the interval lies above the largest allowed drop, and there are so many
    informative examples that a drop this large would have been seen (``least_examples``), or if
    the small model is better beyond doubt. It *loses* if the interval lies below and a drop that
    is allowed is excluded for all languages at once. A bootstrap over a handful of examples that
    all agree has no width; the second conditions keep it from proving anything. From a share of 0
    nothing can be lost, so it proves nothing either.

    Args:
        difference: What was found.
        evidence: How many examples it rests on, and p-values.
        allowed: What may be lost.

    Returns:
        The verdict, and with ``inconclusive`` the number of examples that would be enough if the
        difference stays the same; ``None`` with the others, and where no number is enough.
    """
    if allowed.same_outputs:
        return "holds", None
    if allowed.is_share and allowed.higher_is_better and difference.dense <= 0.0:
        return "inconclusive", None
    gain = difference if allowed.higher_is_better else _turned(difference)
    doubt = 1.0 - allowed.confidence
    if gain.high < -allowed.max_drop and evidence.allowed_p_value <= doubt:
        return "loses", None
    is_better = gain.low > 0.0 and evidence.equal_p_value <= doubt
    is_enough = evidence.num_informative >= least_examples(allowed)
    if gain.low >= -allowed.max_drop and (is_enough or is_better):
        return "holds", None
    return "inconclusive", _needed(gain, evidence, allowed)


def least_examples(allowed: Allowance) -> float:
    """Say how many examples it takes to see a drop of the largest allowed size at all.

    If a share ``max_drop`` of all examples became wrong, a sample of ``n`` shows none of them with
    probability ``(1 - max_drop) ** n``; the number makes that at most ``1 - confidence``. For 0.02
    and 0.95 it is 149, near the rule of three, 3 / 0.02.

    Args:
        allowed: What may be lost.

    Returns:
        A whole number; infinite if no drop is allowed; 0 for scores that are no shares.
    """
    if not allowed.is_share or allowed.max_drop >= 1.0:
        return 0
    if allowed.max_drop == 0.0:
        return math.inf
    return math.ceil(math.log(1.0 - allowed.confidence) / math.log1p(-allowed.max_drop))


def _needed(gain: Difference, evidence: Evidence, allowed: Allowance) -> int | None:
    by_interval = examples_needed(gain, -allowed.max_drop, evidence.n)
    if by_interval is None or evidence.num_informative == 0:
        return None
    each = Fraction(evidence.n, evidence.num_informative)
    if gain.delta > -allowed.max_drop:
        least = least_examples(allowed)
        by_size = 0 if math.isinf(least) else math.ceil(int(least) * each)
        return max(evidence.n + 1, by_interval, by_size)
    # with k examples that all got worse, 2 of 2^k permutations are as extreme
    tail = (1.0 - allowed.confidence) / (2 * allowed.num_languages)
    by_test = math.ceil(-math.log2(tail) * each)
    wider: float = (stats.norm.isf(tail) / stats.norm.isf(tail * allowed.num_languages)) ** 2
    return max(evidence.n + 1, math.ceil(by_interval * wider), by_test)


def _turned(difference: Difference) -> Difference:
    dense, small, delta, low, high = difference
    return Difference(-dense, -small, -delta, -high, -low)
