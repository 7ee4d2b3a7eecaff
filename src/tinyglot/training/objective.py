"""The loss, usable in any Trainer."""

from typing import Any

import torch
from torch import Tensor, nn

from tinyglot.tasks import IGNORED_LABEL


def flat_logits(outputs: Any) -> Tensor:  # noqa: ANN401  (any output of transformers with logits)
    """Give a head's logits in the order of the labels, in float32.

    Args:
        outputs: Has ``logits``, whose last dimension runs over the labels; or ``start_logits`` and
            ``end_logits``, which run over the positions of a sequence.

    Returns:
        Shape (items, classes): a row for each token, sequence, or first and last position.
    """
    if "start_logits" in outputs:
        logits = torch.stack((outputs["start_logits"], outputs["end_logits"]), dim=1)
    else:
        logits = outputs["logits"]
    flat: Tensor = logits.float().flatten(0, -2)
    return flat


def cross_entropy(
    outputs: Any,  # noqa: ANN401  (any output of transformers with logits)
    labels: Tensor,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Average the cross-entropy over the labelled tokens of a whole step, in float32.

    Give it to a Trainer as ``compute_loss_func``. The classes of transformers divide by the
    labelled tokens of one process's part of one micro-batch, so with several processes or with
    accumulated gradients a sentence's weight would depend on its neighbours.

    Args:
        outputs: Has ``logits``, whose last dimension runs over the labels; or ``start_logits`` and
            ``end_logits``, which run over the positions of a sequence.
        labels: Label ids, or first and last positions of spans; ``-100`` counts for nothing.
        num_items_in_batch: Labelled tokens of the step over all processes; default: of ``labels``.

    Returns:
        A scalar.
    """
    total = nn.functional.cross_entropy(
        flat_logits(outputs), labels.flatten(), ignore_index=IGNORED_LABEL, reduction="sum"
    )
    if num_items_in_batch is None:
        num_items_in_batch = labels.ne(IGNORED_LABEL).sum()
    return total / torch.as_tensor(num_items_in_batch, device=total.device).clamp(min=1)
