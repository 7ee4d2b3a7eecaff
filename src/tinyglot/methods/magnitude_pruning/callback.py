"""Pruning while a Trainer trains: tinyglot's own, or the one that a user already has."""

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from tinyglot.errors import MissingInputError, PruningScheduleError, RunDirectoryError
from tinyglot.methods.magnitude_pruning.controller import MaskController
from tinyglot.methods.magnitude_pruning.matrices import find_matrices
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.schedule import Event, make_schedule
from tinyglot.training.callback_checks import (
    check_last_is_best,
    check_same_everywhere,
    check_whole_weights,
    note_state,
    saved_state,
)


class MagnitudePruningCallback(TrainerCallback, ExportableState):
    """Set the smallest weights to zero while they are trained, and keep them there.

    An event of step ``s`` happens when ``s`` optimizer steps have been taken, before the next one;
    the resume point of step ``s`` is therefore as it was before the event. What is needed to
    resume goes into the ``trainer_state.json`` of each resume point, and is read from there.

    Args:
        frozen: By the name of a parameter, magnitudes of further weights of it that are not in the
            model that is trained, increasing. They count; zeroing them is left to the caller.
        **options: As in ``PruningOptions``: at least ``sparsity``.
    """

    def __init__(
        self,
        *,
        frozen: Mapping[str, Tensor] | None = None,
        **options: Any,  # noqa: ANN401  (checked by PruningOptions)
    ) -> None:
        self.options = PruningOptions(**options)
        #: the masks; none before the training begins
        self.controller: MaskController | None = None
        self._frozen = frozen
        self._events: dict[int, Event] = {}
        self._steps: dict[str, int] = {}

    def settings(self) -> dict[str, Any]:
        """Say what resume points must agree on.

        Returns:
            The options as JSON values.
        """
        return {"magnitude_pruning": self.options.model_dump(mode="json")}

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold beside the weights.

        Returns:
            JSON values.
        """
        saved = self.controller.state() if self.controller else {}
        return {
            "args": self.options.model_dump(mode="json"),
            "attributes": {"resumed": {**saved, "steps": self._steps} if saved else {}},
        }

    # --- events of a Trainer -------------------------------------------------------------------

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Find the matrices and plan the events; when resumed, find the masks again."""
        del control
        model = cast(nn.Module, kwargs["model"])
        check_whole_weights(model, args)
        check_last_is_best(args)
        schedule = make_schedule(self.options, self._num_sentences(kwargs), state.max_steps)
        self._events = {event.step: event for event in schedule.events(self.options)}
        self._steps = schedule.model_dump(exclude={"source"})
        self.controller = MaskController(
            find_matrices(model, self.options), self.options, self._frozen
        )
        saved = saved_state(state, type(self).__name__)
        masks = saved.get("attributes", {}).get("resumed", {})
        if masks or min(self._events) < state.global_step:
            self._restore(masks, saved.get("args"), state.global_step)
        else:
            self.controller.check_target()
        note_state(state, type(self).__name__, self.state())

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Remove weights, if it is time."""
        del args, control
        event = self._events.get(state.global_step)
        if event is None or self.controller is None:
            return
        is_last = event.step == max(self._events)
        self.controller.prune(event.sparsity, kwargs["optimizer"], is_last=is_last)
        check_same_everywhere(self.controller.digest())

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Keep removed weights where they are."""
        del args, state, control, kwargs
        if self.controller is not None:
            self.controller.hold_gradients()

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Make sure that the target was reached and that what was removed is zero."""
        del args, control, kwargs
        last = max(self._events)
        if state.global_step <= last:
            raise PruningScheduleError(
                "Could not finish the pruning: the training ended before the last removal.",
                got=f"the end after step {state.global_step}",
                expected=f"the last removal after step {last}, and a step behind it",
                fix="give a smaller end_step, or stop the training later",
            )
        if self.controller is not None:
            self.controller.finish()

    # --- resume --------------------------------------------------------------------------------

    def _restore(self, masks: dict[str, Any], saved_options: Any, step: int) -> None:  # noqa: ANN401
        saved = {**(saved_options or {}), **masks.get("steps", {})}
        options = {**self.options.model_dump(mode="json"), **self._steps}
        if not masks or saved != options or self.controller is None:
            raise RunDirectoryError(
                "Could not resume the pruning: the resume point belongs to another training.",
                got=f"{saved if masks else 'no masks'} at step {step}",
                expected=f"{options}, with weights removed since step {min(self._events)}",
                fix="resume from a resume point at or before the first removal, or begin anew; "
                "where steps follow from the training's length, give them as they were",
            )
        self.controller.restore(masks)

    def _num_sentences(self, kwargs: dict[str, Any]) -> int:
        options = self.options
        if None not in (options.start_step, options.end_step, options.frequency):
            return 1  # nothing is looked up
        try:
            return len(kwargs["train_dataloader"].dataset)
        except TypeError as error:
            raise MissingInputError(
                "Could not look up when to prune: the training data has no length.",
                got=f"start_step {options.start_step}, end_step {options.end_step}, "
                f"frequency {options.frequency}",
                expected="all three, or a data set with a length",
                fix="give start_step, end_step and frequency",
            ) from error
