"""What each part of a distillation lost in every step of a training, resumed or not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState

from tinyglot.training.callback_checks import note_state, saved_state
from tinyglot.training.distillation.text import TextDistillation, weighted_mean
from tinyglot.training.processes import num_processes

Batches = Mapping[str, Callable[[], Iterable[dict[str, Tensor]]]]
_STEPS_OF_A_MEAN = 10


class StepMeans(TrainerCallback, ExportableState):
    """Take down the mean of each part in every step; resume points keep those before them.

    With several processes, which wait for the gradient of every parameter, it also sets aside those
    that no part reaches, for as long as the training lasts.

    Args:
        distillation: The objective of the same training.
        held_out: By name, what gives batches that are not trained on: the parts are also taken on
            these, before the first step and after the last.
    """

    def __init__(self, distillation: TextDistillation, held_out: Batches | None = None) -> None:
        self._distillation = distillation
        self._held_out = held_out or {}
        self._steps: list[Tensor] = []
        self._set_aside: list[nn.Parameter] = []
        #: parts by name of the batches, before and after
        self.held_out: dict[str, dict[str, dict[str, float]]] = {}

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
        attributes = {"means": self.array().tolist(), "held_out": self.held_out}
        return {"args": {}, "attributes": attributes}

    def facts(self) -> dict[str, Any]:
        """Say how each part fared, without its weight.

        Returns:
            JSON values: of each part its weight and its mean over the first and the last steps;
            the parts on held-out batches, where there are any.
        """
        distillation, means = self._distillation, self.array()
        ends = {"first": means[:_STEPS_OF_A_MEAN], "last": means[-_STEPS_OF_A_MEAN:]}
        parts = {
            name: {"weight": objective.weight}
            | {end: float(rows[:, index].mean()) for end, rows in ends.items() if len(rows)}
            for index, (name, objective) in enumerate(
                zip(distillation.names, distillation.objectives, strict=True)
            )
        }
        return {"parts": parts} | ({"held_out_parts": self.held_out} if self.held_out else {})

    def on_init_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Set aside what no part reaches before processes agree on what they wait for."""
        del args, state, control
        if num_processes() > 1:
            self._set_aside = self._distillation.unreached(kwargs["model"])
            for parameter in self._set_aside:
                parameter.requires_grad = False

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Take over the means of earlier steps when resumed."""
        del control
        saved = saved_state(state, type(self).__name__) if state.global_step else {}
        attributes = saved.get("attributes", {})
        self._steps = [
            torch.tensor(row, dtype=torch.float64) for row in attributes.get("means", [])
        ]
        self.held_out = attributes.get("held_out", {})
        if not state.global_step:
            self._look(kwargs["model"], args, "before")
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

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Take the parts on held-out batches again."""
        del state, control
        self._look(kwargs["model"], args, "after")
        for parameter in self._set_aside:
            parameter.requires_grad = True

    def _look(self, model: PreTrainedModel, args: TrainingArguments, when: str) -> None:
        mixed = torch.autocast(model.device.type, torch.bfloat16, enabled=args.bf16)
        for name, batches in self._held_out.items():
            with mixed:
                found = self._distillation.measure(model, batches())
            self.held_out = {**self.held_out, name: {**self.held_out.get(name, {}), when: found}}
