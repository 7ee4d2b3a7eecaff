"""Training towards what another model says, beside the labels."""

from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.errors import UnknownLabelError
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.objective import cross_entropy, flat_logits


class DistillationOptions(BaseModel):
    """How much a teacher's logits count."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    soft_loss_weight: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="share of the divergence from the teacher; the labels' is the rest"
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="divides the logits of both models before the softmax"
    )


class LogitDistillation:
    """A loss of labels and of the divergence from a teacher; usable in any Trainer.

    Call ``look_at`` with the inputs of each batch before ``loss``, which is a Trainer's
    ``compute_loss_func``. The divergence is zero where student and teacher agree.

    Args:
        teacher: A model with the same head and the same token ids. It is not changed.
        options: Weight and temperature.

    Notation:
        (1 - w) CE(y, p) + w T^2 KL(softmax(t / T) || softmax(s / T)), with the logits s and t of
        student and teacher, averaged over the labelled tokens of a step.

    References:
        Hinton et al. (2015), arXiv 1503.02531, section 2.
    """

    def __init__(self, teacher: PreTrainedModel, options: DistillationOptions) -> None:
        self._teacher = teacher
        self._options = options
        self._logits: Tensor | None = None

    def look_at(self, inputs: dict[str, Any]) -> None:
        """Run the teacher on a batch.

        Args:
            inputs: Of the student; labels are left out.
        """
        given = {name: value for name, value in inputs.items() if name != "labels"}
        teacher: nn.Module = self._teacher
        if self._teacher.device != given["input_ids"].device:
            teacher.to(given["input_ids"].device)
        with torch.no_grad():
            self._logits = flat_logits(self._teacher(**given))

    def loss(
        self,
        outputs: Any,  # noqa: ANN401  (any output of transformers with logits)
        labels: Tensor,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Average both losses over the labelled tokens of a whole step, in float32.

        Args:
            outputs: The student's.
            labels: Label ids; ``-100`` counts for nothing.
            num_items_in_batch: Labelled tokens of the step over all processes; default: of
                ``labels``.

        Returns:
            A scalar.

        Raises:
            UnknownLabelError: If the teacher has more labels than the student, or fewer.
        """
        weight, temperature = self._options.soft_loss_weight, self._options.temperature
        hard = cross_entropy(outputs, labels, num_items_in_batch)
        if self._logits is None:
            return hard
        _check_same_number(self._logits, flat_logits(outputs))
        counted = labels.flatten().ne(IGNORED_LABEL)
        student, teacher = (
            (logits[counted] / temperature).log_softmax(-1)
            for logits in (flat_logits(outputs), self._logits)
        )
        total = nn.functional.kl_div(student, teacher, reduction="sum", log_target=True)
        items = counted.sum() if num_items_in_batch is None else num_items_in_batch
        soft = total / torch.as_tensor(items, device=total.device).clamp(min=1)
        return (1 - weight) * hard + weight * temperature**2 * soft


def _check_same_number(teacher: Tensor, student: Tensor) -> None:
    if teacher.shape[-1] != student.shape[-1]:
        raise UnknownLabelError(
            "Could not distil: teacher and student have heads of different sizes.",
            got=f"a teacher of {teacher.shape[-1]} labels, a student of {student.shape[-1]}",
            expected="the same labels, in the same order",
            fix="train the teacher for the student's labels first",
        )
