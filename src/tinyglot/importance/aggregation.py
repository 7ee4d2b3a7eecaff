"""One importance for several languages, each of which has its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from tinyglot.importance.value import KINDS, Importance

Aggregation = Literal["mean", "normalised_mean", "worst_language"]


def aggregate_importance(by_language: Mapping[str, Importance], how: Aggregation) -> Importance:
    """Make one importance of those of several languages, each counting once.

    ``mean``: the mean; a language whose losses are high counts more. ``normalised_mean``: the mean
    after each language's values of a kind were divided by their root mean square over the whole
    model. ``worst_language``: the highest of these normalised values, so that a unit stays if any
    language needs it.

    Args:
        by_language: Importance of the same model, at least one.
        how: Which of the three.

    Returns:
        The importance of each unit to all of them.
    """
    found = list(by_language.values())
    if how != "mean":
        found = [importance.mapped(normalised) for importance in found]
    combine = torch.amax if how == "worst_language" else torch.mean
    kinds = {
        kind: tuple(
            combine(torch.stack(units), dim=0)
            for units in zip(*(each.of(kind) for each in found), strict=True)
        )
        for kind in KINDS
    }
    return replace(
        found[0],
        heads=kinds["heads"],
        neurons=kinds["neurons"],
        layers=kinds["layers"][0],
        hidden=kinds["hidden"][0],
        languages=tuple(by_language),
    )


def normalised(scores: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Divide by the root mean square of all values.

    Args:
        scores: Values of one kind.

    Returns:
        Values whose mean square is 1 over the whole model; zeros stay.

    Example:
        >>> normalised([torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])])
        (tensor([1.2000, 0.0000]), tensor([0.0000, 1.6000]))
    """
    scale = torch.cat([each.flatten() for each in scores]).square().mean().sqrt()
    return tuple(each / scale if scale > 0 else each for each in scores)


def normalised_by_layer(scores: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Divide each layer's values by their Euclidean norm.

    Layers whose gradients are large for all their units then count no more than others.

    Args:
        scores: Values of one kind, one tensor a layer.

    Returns:
        Values of norm 1 in each layer; zeros stay.

    References:
        Michel et al. (2019), Are Sixteen Heads Really Better than One?, arXiv 1905.10650,
        section 4.1; Molchanov et al. (2017), arXiv 1611.06440.
    """
    return tuple(each / norm if (norm := each.norm()) > 0 else each for each in scores)
