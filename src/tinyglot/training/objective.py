"""The loss, usable in any Trainer; and what another loss has to say to take its place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

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


class Objective(Protocol):
    """A loss of one's own in place of the masked-LM loss: ``train(..., objective=...)``.

    It is asked once a step for every process's batch and runs the student itself, so that it may
    ask for hidden states, look at other models, or run the head on some positions only
    (``tinyglot.architectures.selected_positions``). One instance belongs to one training. In a
    Trainer of one's own, ``compute_loss`` calls ``loss`` inside ``joined``.
    """

    @property
    def trainable(self) -> nn.Module | None:
        """Parameters of its own, such as projections; always the same module, or ``None``.

        While the training lasts it is a part of the student: its parameters are in the optimizer
        and in the resume points. The student that comes out does not have it.
        """

    def settings(self) -> Mapping[str, Any]:
        """Say, as JSON values, what decides the trained weights; resume points must agree on it."""

    def loss(
        self,
        student: nn.Module,
        inputs: dict[str, Tensor],
        labels: Tensor,
        num_items: Tensor | int | None,
    ) -> Tensor:
        """Compute this process's share of the step's loss: all shares add up to it.

        Args:
            student: To be called with ``inputs``; wrapped where there are several processes.
            inputs: ``input_ids``, with tokens hidden, ``attention_mask``, and so on.
            labels: The hidden tokens, of shape (batch, seq); -100 elsewhere.
            num_items: Hidden tokens of the step over all processes; ``None`` in a Trainer that
                does not count them. A sum over hidden tokens is divided by it; a mean over all
                tokens of the batch by ``num_processes()``.

        Returns:
            A scalar.
        """


_JOINED = "objective"


@contextmanager
def joined(student: nn.Module, objective: Objective | None) -> Iterator[None]:
    """Make an objective's own parameters a part of the student.

    Args:
        student: Has one more submodule within the context.
        objective: The objective, if there is one.

    Yields:
        Nothing.
    """
    module = objective.trainable if objective is not None else None
    if module is None:
        yield
        return
    student.add_module(_JOINED, module)
    try:
        yield
    finally:
        delattr(student, _JOINED)
