"""Scores that several tasks share, as functions of summed counts."""

import numpy as np
from numpy.typing import NDArray

from tinyglot.tasks.task import Counts


def f1(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into F1, with seqeval's arithmetic, so that both agree exactly.

    Args:
        totals: First in the last axis: right, predicted and correct spans.

    Returns:
        F1 in [0, 1]; 0 where no span is predicted rightly.
    """
    spans = np.asarray(totals, dtype=np.float64)[..., :3]
    right, predicted, correct = np.moveaxis(spans, -1, 0)
    precision = right / np.where(predicted == 0, 1, predicted)
    recall = right / np.where(correct == 0, 1, correct)
    both = precision + recall
    scores: NDArray[np.float64] = 2 * precision * recall / np.where(both == 0, 1, both)
    return scores


def accuracy(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into the share that is right.

    Args:
        totals: Right ones and all first, in the last axis.

    Returns:
        Accuracy in [0, 1]; 0 where there is none.
    """
    values = np.asarray(totals, dtype=np.float64)
    right, every = values[..., 0], values[..., 1]
    return right / np.where(every == 0, 1, every)


def f1_after_accuracy(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into F1, where the counts of ``accuracy`` stand before those of ``f1``.

    Args:
        totals: In the last axis, from the third: right, predicted and correct ones.

    Returns:
        F1 in [0, 1].
    """
    return f1(totals[..., 2:])


def f1_of_last(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into F1, where those of ``f1`` stand behind those of other metrics.

    Args:
        totals: Last in the last axis: right, predicted and correct ones.

    Returns:
        F1 in [0, 1].
    """
    return f1(totals[..., -3:])
