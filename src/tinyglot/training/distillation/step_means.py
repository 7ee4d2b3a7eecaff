"""What each part of a distillation lost in every step of a training, resumed or not."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from tinyglot.training.callback_checks import note_state, saved_state
from tinyglot.training.distillation.text import TextDistillation, weighted_mean


class StepMeans(TrainerCallback, ExportableState):
    """Take down the mean of each part in every step; resume points keep those before them.

    Args:
        distillation: The objective of the same training.
    """

    def __init__(self, distillation: TextDistillation) -> None:
        self._distillation = distillation
        self._steps: list[Tensor] = []

    def array(self) -> np.ndarray:
        """Give the means so far, without weights; with several processes those of this one.

        Returns:
            Shape (steps, parts), in the order of the distillation's ``names``.
        """
        if not self._steps:
            return np.zeros((0, len(self._distillation.names)))
        return torch.stack(self._steps).numpy()

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold.

        Returns:
            JSON values.
        """
        return {"args": {}, "attributes": {"means": self.array().tolist()}}

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Take over the means of earlier steps when resumed."""
        del args, control, kwargs
        saved = saved_state(state, type(self).__name__) if state.global_step else {}
        means = saved.get("attributes", {}).get("means", [])
        self._steps = [torch.tensor(row, dtype=torch.float64) for row in means]
        self._distillation.batches.clear()
        note_state(state, type(self).__name__, self.state())

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Take down the step that is over."""
        del args, state, control, kwargs
        self._steps.append(weighted_mean(self._distillation.batches))
        self._distillation.batches.clear()
