"""Whether a language holds, loses, or needs more sentences before anyone can tell."""

import math
from typing import Literal, NamedTuple

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


def judge(
    difference: Difference, adjusted_p_value: float, n: int, allowed: Allowance
) -> tuple[Verdict, int | None]:
    """Say whether a language keeps what it must.

    It *holds* if the interval lies above the largest allowed drop, and there are so many examples
    that a drop this large would have been seen (``least_examples``). It *loses* if the interval
    lies below and the permutation test, adjusted for all languages, excludes equal models. A
    bootstrap over a handful of examples that all agree has no width; the second conditions keep
    it from proving anything.

    Args:
        difference: What was found.
        adjusted_p_value: Of the permutation test, after Holm.
        n: Examples of the language.
        allowed: What may be lost.

    Returns:
        The verdict, and with ``inconclusive`` the number of examples that would be enough if the
        difference stays the same; ``None`` with the others, and where no number is enough.
    """
    gain = difference if allowed.higher_is_better else _turned(difference)
    is_real = adjusted_p_value <= 1.0 - allowed.confidence
    least = 0 if allowed.same_outputs else least_examples(allowed)
    if gain.high < -allowed.max_drop and is_real:
        return "loses", None
    if gain.low >= -allowed.max_drop and (n >= least or (gain.low > 0.0 and is_real)):
        return "holds", None
    return "inconclusive", _needed(gain, n, allowed)


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


def _needed(gain: Difference, n: int, allowed: Allowance) -> int | None:
    by_interval = examples_needed(gain, -allowed.max_drop, n)
    if by_interval is None:
        return None
    if gain.delta > -allowed.max_drop:
        least = least_examples(allowed)
        return max(n + 1, by_interval, 0 if math.isinf(least) else int(least))
    # with k examples that all got worse, 2 of 2^k permutations are as extreme
    by_test = math.ceil(math.log2(2 * allowed.num_languages / (1.0 - allowed.confidence)))
    return max(n + 1, by_interval, by_test)


def _turned(difference: Difference) -> Difference:
    dense, small, delta, low, high = difference
    return Difference(-dense, -small, -delta, -high, -low)
