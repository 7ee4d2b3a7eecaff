"""Smaller sizes while a Trainer trains: tinyglot's own, or the one that a user already has."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from accelerate.utils import broadcast_object_list  # type: ignore[import-untyped]  # no types
from torch import Tensor
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState

from tinyglot.architectures import view
from tinyglot.errors import PruningScheduleError, RunDirectoryError
from tinyglot.importance import Importance, measure_importance
from tinyglot.methods.dynamic_sparsification.controller import ElasticController, Loss
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions
from tinyglot.methods.dynamic_sparsification.sizes import choose_sizes, order_steps
from tinyglot.training import cross_entropy
from tinyglot.training.callback_checks import (
    check_last_is_best,
    check_whole_weights,
    note_state,
    saved_state,
)

_SEQUENCES_AT_ONCE = 16
_NOT_INPUTS = ("labels", "num_items_in_batch")


class DynamicSparsificationCallback(TrainerCallback, ExportableState):
    """Train smaller models inside a model.

    Give the Trainer this callback, and its ``loss`` as ``compute_loss_func``. After
    ``start_step`` steps with the largest size alone the parts of the model are put in order; from
    then on each step trains several sizes. What is needed to resume goes into the
    ``trainer_state.json`` of each resume point, and is read from there.

    Args:
        base_loss: Of the largest size, as a Trainer's ``compute_loss_func``.
        **options: As in ``ElasticOptions``.
    """

    def __init__(self, *, base_loss: Loss = cross_entropy, **options: Any) -> None:  # noqa: ANN401
        self.options = ElasticOptions(**options)
        #: sizes and order; none before the training begins
        self.controller: ElasticController | None = None
        self._base_loss = base_loss
        self._order_steps: list[int] = []
        self._step = 0
        self._seed = 0
        self._precision: torch.dtype | None = None
        self._inputs: dict[str, Any] | None = None
        self._hook: Any = None
        self._is_in_use = False  # whether the loss was asked for in a step of several sizes

    def settings(self) -> dict[str, Any]:
        """Say what resume points must agree on.

        Returns:
            The options as JSON values.
        """
        return {"dynamic_sparsification": self.options.model_dump(mode="json")}

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold beside the weights.

        Returns:
            JSON values.
        """
        resumed: dict[str, Any] = {}
        if self.controller is not None and self._step >= self._order_steps[0]:
            resumed = self.controller.state()
        options = self.options.model_dump(mode="json")
        return {"args": options, "attributes": {"resumed": resumed}}

    def loss(
        self,
        outputs: Any,  # noqa: ANN401  (any output of transformers)
        labels: Tensor,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Give the loss of all sizes of the step; outside training that of the largest.

        Args:
            outputs: Of the largest size.
            labels: Label ids; ``-100`` counts for nothing.
            num_items_in_batch: Labelled tokens of the step over all processes.

        Returns:
            A scalar.
        """
        inputs, self._inputs = self._inputs, None
        if self.controller is None or inputs is None or self._step < self._order_steps[0]:
            return self._base_loss(outputs, labels, num_items_in_batch)
        self._is_in_use = True
        return self.controller.loss(
            outputs, labels, num_items_in_batch, inputs, self._step, self._precision
        )

    # --- events of a Trainer -------------------------------------------------------------------

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Choose the sizes; when resumed, find the order again."""
        del control
        model = cast(PreTrainedModel, kwargs["model"])
        check_whole_weights(model, args)
        check_last_is_best(args)
        self._order_steps = order_steps(self.options, state.max_steps)
        self._step, self._seed = state.global_step, args.seed
        self._precision = _precision(args)
        sizes = choose_sizes(view(model), self.options)
        self.controller = ElasticController(model, sizes, self.options, self._seed, self._base_loss)
        saved = saved_state(state, type(self).__name__)
        order = saved.get("attributes", {}).get("resumed", {})
        if order or self._order_steps[0] < state.global_step:
            self._restore(order, saved.get("args"))
        note_state(state, type(self).__name__, self.state())
        self._remove_hook()  # of a training that ended with an error
        self._hook = model.register_forward_pre_hook(self._note_inputs, with_kwargs=True)

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Put the parts of the model in order, if it is time."""
        del args, control
        self._step = state.global_step
        if self._step in self._order_steps and self.controller is not None:
            importance = self._measure(kwargs["model"], kwargs["train_dataloader"])
            self.controller.put_in_order(importance, kwargs["optimizer"])

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Refuse to go on when a step had no smaller sizes that should have had some."""
        del args, control, kwargs
        if state.global_step > self._order_steps[0] and not self._is_in_use:
            self._remove_hook()
            raise PruningScheduleError(
                "Could not train smaller sizes: the Trainer does not use the callback's loss.",
                got=f"no call of it in step {state.global_step}",
                expected="smaller sizes in every step after "
                f"start_step {self._order_steps[0]}; the callback alone only orders the model",
                fix="Trainer(..., compute_loss_func=callback.loss, callbacks=[callback])",
            )

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Leave the model as it was but for its weights."""
        del args, state, control, kwargs
        self._remove_hook()

    # --- parts ---------------------------------------------------------------------------------

    def _remove_hook(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook = self._inputs = None

    def _note_inputs(self, model: PreTrainedModel, args: Any, kwargs: dict[str, Any]) -> None:  # noqa: ANN401
        del args
        if model.training and torch.is_grad_enabled():
            given = {name: value for name, value in kwargs.items() if name not in _NOT_INPUTS}
            self._inputs = given

    def _measure(self, model: PreTrainedModel, loader: Any) -> Importance:  # noqa: ANN401
        options = self.options
        batches = _calibration(loader, options.calibration_sentences, self._seed)
        found = [
            measure_importance(model, batches, options.scorer, options.importance_loss, self._seed)
        ]
        broadcast_object_list(found)  # rounding may differ between processes
        return found[0]

    def _restore(self, order: dict[str, Any], options: Any) -> None:  # noqa: ANN401
        expected = self.options.model_dump(mode="json")
        if not order or options != expected or self.controller is None:
            raise RunDirectoryError(
                "Could not resume the training: the resume point belongs to another one.",
                got=f"{options if order else 'no order'} at step {self._step}",
                expected=f"{expected}, in order since step {self._order_steps[0]}",
                fix="resume with the same options, or begin anew",
            )
        self.controller.restore(order)


def _precision(args: TrainingArguments) -> torch.dtype | None:
    return torch.bfloat16 if args.bf16 else torch.float16 if args.fp16 else None


def _calibration(loader: Any, num_sequences: int, seed: int) -> Iterator[dict[str, Tensor]]:  # noqa: ANN401
    """Draw training sequences, and batch those of nearly equal length."""
    dataset = loader.dataset
    count = min(num_sequences, len(dataset))
    chosen = np.random.default_rng(seed).choice(len(dataset), count, replace=False)
    rows = sorted((dataset[int(index)] for index in sorted(chosen)), key=_length)
    for start in range(0, count, _SEQUENCES_AT_ONCE):
        yield loader.collate_fn(rows[start : start + _SEQUENCES_AT_ONCE])


def _length(row: Any) -> int:  # noqa: ANN401  (a mapping, or an object with fields)
    return len(row["input_ids"] if isinstance(row, dict) else row.input_ids)
