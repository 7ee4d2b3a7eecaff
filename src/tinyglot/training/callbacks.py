"""Callbacks for this package's Trainer or any other."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tinyglot.progress import Bar


class ProgressCallback(TrainerCallback):
    """Advance a bar by one for every step.

    Args:
        bar: Its total is the number of steps.
    """

    def __init__(self, bar: Bar) -> None:
        self._bar = bar

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Begin where a resumed run begins."""
        del args, control, kwargs
        self._bar.advance(state.global_step)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Advance by one step."""
        del args, state, control, kwargs
        self._bar.advance()


class NoCheckpointAtEnd(TrainerCallback):
    """Leave out the resume point after the last step: nothing is left to resume."""

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Withdraw the request that the Trainer makes at the last step."""
        del args, kwargs
        control.should_save = control.should_save and state.global_step < state.max_steps


class StopAfterStep(TrainerCallback):
    """End the training early, as if it had been cut off there; without a resume point at the end.

    Args:
        step: The last step.
    """

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Ask for the end after the last step."""
        del args, kwargs
        if state.global_step >= self._step:
            control.should_save, control.should_training_stop = False, True
