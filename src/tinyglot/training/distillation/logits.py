"""What is compared in the predictions of student and teacher, a few positions at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import lm_head_parameters, lm_logits, view
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.distillation.chunks import sum_of_chunks
from tinyglot.training.distillation.losses import (
    divergence_sum,
    exact,
    masked_lm_sum,
    squared_distance_sum,
)
from tinyglot.training.distillation.options import (
    LogitKlObjective,
    LogitMseObjective,
    LogitObjective,
    MaskedLmObjective,
)

_NUMBERS_AT_ONCE = 2**24


class LogitParts:
    """The parts of a loss that look at logits, with one pass of each head over the positions.

    Args:
        objectives: Any number of masked LM, squared distance and divergence.
        is_everywhere: Whether the last two look at all tokens, or at the hidden ones only.
    """

    def __init__(self, objectives: Sequence[LogitObjective], *, is_everywhere: bool) -> None:
        self.objectives = objectives
        self.need_teacher = any(not isinstance(o, MaskedLmObjective) for o in objectives)
        self._is_everywhere = is_everywhere and self.need_teacher

    def loss(
        self,
        models: Sequence[PreTrainedModel],
        states: Sequence[Tensor],
        labels: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Compare predictions.

        Args:
            models: The student, and the teacher where one is needed.
            states: What the encoder of each gave, of shape (batch, seq, hidden).
            labels: The hidden tokens; -100 elsewhere.
            mask: True where there is a token.

        Returns:
            The weighted sum, and each part without its weight.

        Cost:
            Memory for a few hundred positions, whatever the batch: see ``sum_of_chunks``.
        """
        student, *teachers = models
        is_seen = mask if self._is_everywhere else labels.ne(IGNORED_LABEL)
        rows = [labels[is_seen], *(each[is_seen] for each in states)]
        divisors = self._divisors(rows[0])

        def compare(wanted: Tensor, own: Tensor, *taught: Tensor) -> tuple[Tensor, Tensor]:
            logits = exact(lm_logits(student, own))
            with torch.no_grad():
                known = exact(lm_logits(teachers[0], taught[0])) if teachers else logits
            values = self._values(logits, known, wanted) / divisors
            weights = values.new_tensor([each.weight for each in self.objectives])
            return (weights * values).sum(), values.detach()

        at_once = max(1, _NUMBERS_AT_ONCE // view(student).num_token_ids)
        return sum_of_chunks(compare, rows, at_once, lm_head_parameters(student))

    def _divisors(self, labels: Tensor) -> Tensor:
        """Count what each part is averaged over: labelled positions, or all that are seen."""
        labelled = labels.ne(IGNORED_LABEL).sum()
        seen = torch.full_like(labelled, len(labels))
        is_masked_lm = [isinstance(each, MaskedLmObjective) for each in self.objectives]
        return torch.stack([labelled if each else seen for each in is_masked_lm]).clamp(min=1)

    def _values(self, student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
        return torch.stack(
            [_value(objective, student, teacher, labels) for objective in self.objectives]
        )


def _value(objective: LogitObjective, student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    if isinstance(objective, LogitMseObjective):
        return squared_distance_sum(student, teacher)
    if isinstance(objective, LogitKlObjective):
        return divergence_sum(student, teacher, objective.temperature)
    return masked_lm_sum(student, labels)
