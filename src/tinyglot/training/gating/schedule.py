"""In which steps gates are learnt."""

from pydantic import BaseModel, ConfigDict

from tinyglot.errors import PruningScheduleError
from tinyglot.training.gating.options import GatingOptions
from tinyglot.training.trunk import Trunk


class GatingSchedule(BaseModel):
    """Steps before anything is gated, and steps after which it is decided what stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_step: int
    end_step: int

    @property
    def num_steps(self) -> int:
        """Steps in which gates are learnt."""
        return self.end_step - self.start_step

    def progress(self, step: int) -> float:
        """Say how much of the learning is done.

        Args:
            step: Optimizer steps that have been taken.

        Returns:
            0 to 1.
        """
        share = (step - self.start_step) / self.num_steps
        return min(max(share, 0.0), 1.0)


def make_gating_schedule(
    options: GatingOptions, num_steps: int, stop_step: int | None = None
) -> GatingSchedule:
    """Turn shares of a training into steps.

    Args:
        options: The shares.
        num_steps: Optimizer steps of the whole training.
        stop_step: Step after which it stops; default: its last one.

    Returns:
        At least one step in which gates are learnt, and one behind it.

    Raises:
        PruningScheduleError: If the training is too short for that.
    """
    start = round(options.start_share * num_steps)
    end = max(start + 1, round(options.end_share * num_steps))
    last = min(num_steps, stop_step or num_steps)
    if end >= last:
        raise PruningScheduleError(
            "Could not learn gates: the training is too short.",
            got=f"{last} steps, gates learnt from step {start} to {end}",
            expected=f"at least {end + 1} steps: one behind those in which gates are learnt",
            fix="train longer (num_epochs, max_steps, stop_step), or give a smaller end_share",
        )
    return GatingSchedule(start_step=start, end_step=end)


def check_shared_steps(schedule: GatingSchedule, trunk: Trunk | None) -> None:
    """Make sure that nothing is gated in steps that are shared with other trainings.

    Args:
        schedule: When gates are learnt.
        trunk: The shared steps, if any.

    Raises:
        PruningScheduleError: If gates begin before the end of these steps.
    """
    if trunk is not None and trunk.step > schedule.start_step:
        raise PruningScheduleError(
            "Could not learn gates: they would begin in steps that other trainings share.",
            got=f"gates from step {schedule.start_step} on",
            expected=f"none before the end of the {trunk.step} shared steps",
            fix=f"share at most {schedule.start_step} steps, or give a later start_share",
        )
