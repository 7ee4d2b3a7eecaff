"""Gates that are learnt while a Trainer trains: tinyglot's own, or the one that a user has."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

import numpy as np
import torch
from accelerate.utils import reduce  # type: ignore[import-untyped]  # it has no types
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState

from tinyglot.architectures import view
from tinyglot.errors import PruningMaskError, PruningScheduleError, RunDirectoryError
from tinyglot.importance import gated
from tinyglot.training.callback_checks import (
    check_last_is_best,
    check_same_everywhere,
    check_whole_weights,
    note_state,
    saved_state,
)
from tinyglot.training.gating.budget import Budget, unit_budgets, unit_counts
from tinyglot.training.gating.controller import GateController
from tinyglot.training.gating.cut import absorb_gates_, keep_units
from tinyglot.training.gating.options import GatingOptions, Kind
from tinyglot.training.gating.schedule import GatingSchedule, make_gating_schedule


class GatingCallback(TrainerCallback, ExportableState):
    """Learn which heads and neurons stay while a model is trained.

    Gates are hooks on the model and no part of it. They act from ``start_step`` on; when
    ``end_step`` steps have been taken, exactly as many units as wanted are chosen, and the rest of
    the training runs with these alone. At the end the gates are multiplied into the weights, so
    that ``cut`` takes out what is zero. What is needed to resume goes into the
    ``trainer_state.json`` of each resume point, and is read from there.

    Args:
        name: Of the method.
        options: What goes, how much and when.
    """

    def __init__(self, name: str, options: GatingOptions) -> None:
        self.name = name
        self.options = options
        #: what is learnt; none before the training begins
        self.controller: GateController | None = None
        self.schedule: GatingSchedule | None = None
        self._gates = ExitStack()
        self._hook: Any = None
        self._noise = (0, 0)  # seed, process
        self._step = 0
        self._num_passes = 0  # forward passes of this step

    @abstractmethod
    def make_controller(
        self, budgets: Mapping[Kind, Budget], device: torch.device, num_steps: int
    ) -> GateController:
        """Make what learns.

        Args:
            budgets: By kind, the units of each layer and how many stay.
            device: Where the model is.
            num_steps: Optimizer steps in which gates are learnt.

        Returns:
            A controller that has learnt nothing yet.
        """

    def settings(self) -> dict[str, Any]:
        """Say what resume points must agree on.

        Returns:
            The options as JSON values.
        """
        return {self.name: self.options.model_dump(mode="json")}

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold beside the weights.

        Returns:
            JSON values.
        """
        resumed: dict[str, Any] = {}
        if self.controller is not None and self.schedule is not None:
            resumed = {**self.controller.state(), "schedule": self.schedule.model_dump()}
        return {
            "args": self.options.model_dump(mode="json", exclude_unset=True),
            "attributes": {"resumed": resumed},
        }

    def cut(self, model: PreTrainedModel) -> PreTrainedModel:
        """Copy a trained model without the heads and neurons that were decided against.

        Args:
            model: What was trained, or a model with its layers. It is not changed.

        Returns:
            A smaller model that computes the same.

        Raises:
            PruningScheduleError: If it is not decided yet what stays.
        """
        if self.controller is None or not self.controller.kept:
            raise _undecided("nothing", self.schedule)
        return keep_units(model, self.controller.kept)

    def facts(self) -> dict[str, Any]:
        """Say what stayed, and what the gates were like when that was decided.

        Returns:
            JSON values; the indices of the units are those of the model before.

        Raises:
            PruningScheduleError: If it is not decided yet what stays.
        """
        if self.controller is None or not self.controller.kept:
            raise _undecided("nothing", self.schedule)
        kept = self.controller.kept
        return {
            "num_kept_by_layer": {kind: list(map(len, units)) for kind, units in kept.items()},
            "kept": {kind: list(map(list, units)) for kind, units in kept.items()},
            "gates": self.controller.report(),
        }

    # --- events of a Trainer -------------------------------------------------------------------

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Count what stays, and gate the model; when resumed, go on with what was learnt."""
        del control
        model = cast(PreTrainedModel, kwargs["model"])
        check_whole_weights(model, args)
        check_last_is_best(args)
        _check_no_scaling(args)
        self.schedule = make_gating_schedule(self.options, state.max_steps)
        counts, allowed = unit_counts(model), self.options.allow_no_effect
        budgets = unit_budgets(counts, self.options, allow_no_effect=allowed)
        device = view(model).word_embeddings.weight.device
        self.controller = self.make_controller(budgets, device, self.schedule.num_steps)
        self._restore(saved_state(state, type(self).__name__), state.global_step)
        note_state(state, type(self).__name__, self.state())
        self._noise = (args.seed, args.process_index)
        self._step = state.global_step
        self._release()  # of a training that was broken off
        _check_alone(model)
        self._hook = view(model).encoder.register_forward_pre_hook(
            lambda module, _: self._gate(model, is_training=module.training)
        )

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Begin with the noise of this step."""
        del args, control, kwargs
        self._step, self._num_passes = state.global_step, 0

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Decide what stays, if it is time; an evaluation after this step sees it."""
        del args, control, kwargs
        controller, schedule = self._begun()
        self._step = state.global_step
        if state.global_step >= schedule.end_step and not controller.kept:
            controller.decide()
            check_same_everywhere(controller.digest())

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Learn from the gradients of this step."""
        del args, control
        controller, schedule = self._begun()
        if controller.kept or state.global_step < schedule.start_step:
            return
        for parameter in controller.parameters():
            if parameter.grad is not None:
                parameter.grad = reduce(parameter.grad, "mean")
        rate = float(kwargs["optimizer"].param_groups[0]["lr"])
        controller.update(schedule.progress(state.global_step), rate)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Multiply the gates into the weights, and take them off the model."""
        del args, control
        controller, schedule = self._begun()
        self._release()
        if not controller.kept:
            raise _undecided(f"the end after step {state.global_step}", schedule)
        absorb_gates_(kwargs["model"], controller.gates(1.0))

    # --- gates ---------------------------------------------------------------------------------

    def _gate(self, model: PreTrainedModel, *, is_training: bool) -> None:
        """Put the gates of the next forward pass on the model."""
        self._gates.close()
        controller, schedule = self._begun()
        if self._step < schedule.start_step:
            return
        generator = self._generator() if is_training else None
        gates = controller.gates(schedule.progress(self._step), generator)
        self._gates.enter_context(gated(model, gates))

    def _release(self) -> None:
        self._gates.close()
        if self._hook is not None:
            self._hook.remove()

    def _generator(self) -> torch.Generator:
        """Give the noise of one pass: other noise in each, the same again when resumed."""
        seed, process = self._noise
        entropy = np.random.SeedSequence([seed, process, self._step, self._num_passes])
        self._num_passes += 1
        return torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))

    def _begun(self) -> tuple[GateController, GatingSchedule]:
        return cast(tuple[GateController, GatingSchedule], (self.controller, self.schedule))

    # --- resume --------------------------------------------------------------------------------

    def _restore(self, saved: dict[str, Any], step: int) -> None:
        controller, schedule = self._begun()
        resumed = saved.get("attributes", {}).get("resumed", {})
        if not resumed and step <= schedule.start_step:
            return
        found = {**saved.get("args", {}), **resumed.get("schedule", {})}
        expected = {**self.state()["args"], **schedule.model_dump()}
        if found != expected:
            raise RunDirectoryError(
                "Could not resume the pruning: the resume point belongs to another training.",
                got=f"{found or 'no gates'} at step {step}",
                expected=f"{expected}",
                fix="resume from a resume point of this training, or begin anew; its length "
                "decides when gates are learnt",
            )
        controller.restore(resumed)


def _check_no_scaling(args: TrainingArguments) -> None:
    if args.fp16:
        raise PruningScheduleError(
            "Could not learn gates: their gradients would be scaled as fp16 needs it.",
            got="fp16: true",
            expected="bf16, or full precision",
            fix="give bf16: true instead of fp16",
        )


def _check_alone(model: PreTrainedModel) -> None:
    hooks = view(model).encoder._forward_pre_hooks.values()
    if any(getattr(hook, "__module__", None) == __name__ for hook in hooks):
        raise PruningMaskError(
            "Could not learn gates: others act on the model already.",
            got="gates of another callback",
            expected="one callback that learns gates",
            fix="give one callback with structures: both; after a training that was broken off, "
            "load the model anew",
        )


def _undecided(got: str, schedule: GatingSchedule | None) -> PruningScheduleError:
    return PruningScheduleError(
        "Could not finish the pruning: the training ended before it was decided what stays.",
        got=got,
        expected=f"{schedule.end_step if schedule else 'all'} steps at least",
        fix="train on, or give a smaller end_share",
    )
