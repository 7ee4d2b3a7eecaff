"""At which steps weights are removed, and how many are gone after each."""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from tinyglot.errors import PruningScheduleError
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.published import nearest_schedule, source
from tinyglot.training import Trunk
from tinyglot.training.ramp import sparsity_at


class Event(NamedTuple):
    """One removal.

    Attributes:
        step: Optimizer steps that have been taken; it happens before the next one.
        sparsity: Share of the weights that are zero from then on.
    """

    step: int
    sparsity: float


class Schedule(BaseModel):
    """When weights are removed, in optimizer steps, and where these numbers are from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_step: int
    end_step: int
    frequency: int
    source: str

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps that have been taken before each removal."""
        return tuple(range(self.start_step, self.end_step + 1, self.frequency))

    def events(self, options: PruningOptions) -> tuple[Event, ...]:
        """List the removals; the last one reaches the target.

        Args:
            options: Ramp and target.

        Returns:
            In order.
        """
        count = len(self.steps)
        return tuple(
            Event(step, sparsity_at(options.ramp, options.sparsity, number / count))
            for number, step in enumerate(self.steps, start=1)
        )


def make_schedule(
    options: PruningOptions, num_sentences: int, num_steps: int, stop_step: int | None = None
) -> Schedule:
    """Fill in what the options leave open, and check that it fits into the training.

    Args:
        options: Steps, or none where the paper's table is to be used.
        num_sentences: Training sentences, all languages together.
        num_steps: Optimizer steps of the whole training.
        stop_step: Step after which it stops; default: its last one.

    Returns:
        When weights are removed.

    Raises:
        PruningScheduleError: If the last removal would not come before the last step, the end
            before the start, or no second removal before the end.
    """
    row = nearest_schedule(num_sentences)
    found = dict(zip(("start_step", "end_step", "frequency"), row.scaled(num_steps), strict=True))
    given = {name: getattr(options, name) for name in found}
    chosen = {name: value for name, value in given.items() if value is not None}
    from_table = [name for name in found if name not in chosen]
    schedule = Schedule(
        **{**found, **chosen},
        source=f"{', '.join(from_table)}: {source()}, {row.train:,} sentences, "
        f"{row.total:,} steps scaled to {num_steps:,}"
        if from_table
        else "as given",
    )
    _check_order(schedule)
    _check_length(schedule, min(num_steps, stop_step or num_steps))
    return schedule


def check_trunk(schedule: Schedule, trunk: Trunk | None) -> None:
    """Make sure that nothing is removed in steps that are shared with other trainings.

    Args:
        schedule: When weights are removed.
        trunk: The shared steps, if any.

    Raises:
        PruningScheduleError: If the first removal is before the end of these steps.
    """
    if trunk is not None and trunk.step > schedule.start_step:
        raise PruningScheduleError(
            "Could not prune: weights would be removed in steps that other trainings share.",
            got=f"a first removal after step {schedule.start_step} ({schedule.source})",
            expected=f"none before the end of the {trunk.step} shared steps",
            fix=f"share at most {schedule.start_step} steps, or give a later start_step",
        )


def _check_order(schedule: Schedule) -> None:
    start, end, frequency = schedule.start_step, schedule.end_step, schedule.frequency
    if end < start:
        raise PruningScheduleError(
            "Could not prune: the end is before the start.",
            got=f"start_step {start}, end_step {end} ({schedule.source})",
            expected=f"end_step of at least {start}",
            fix="give both start_step and end_step",
        )
    if frequency > end - start > 0:
        raise PruningScheduleError(
            "Could not prune: the end is before the second removal.",
            got=f"start_step {start}, end_step {end}, frequency {frequency} ({schedule.source})",
            expected=f"a frequency of at most {end - start}",
            fix=f"give frequency, or end_step {start} for one removal only",
        )


def _check_length(schedule: Schedule, num_steps: int) -> None:
    if schedule.steps[-1] >= num_steps:
        raise PruningScheduleError(
            "Could not prune: the schedule is longer than the training.",
            got=f"weights removed after step {schedule.steps[-1]} ({schedule.source})",
            expected=f"a last removal after step {num_steps - 1} at the latest; the training has "
            f"{num_steps} steps",
            fix="give a smaller end_step, or train longer (num_epochs, max_steps, stop_step)",
        )
