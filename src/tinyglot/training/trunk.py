"""First steps that several trainings share: done once, gone on from by all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tinyglot.files import link_tree, replacing, written_once
from tinyglot.training.processes import is_main_process
from tinyglot.training.resume import check_settings, write_settings


@dataclass(frozen=True)
class Trunk:
    """A resume point that trainings with the same first steps share.

    The first training that reaches ``step`` leaves its resume point in ``directory``; every later
    one begins with it instead of training up to there. A training that is resumed ends with the
    same bytes as one that is not, so which of them did the steps makes no difference. The
    trainings may differ in what their callbacks do from ``step`` on, and in nothing else: whoever
    gives a training both a trunk and callbacks makes sure of that.

    Attributes:
        directory: Holds the resume point and what decided it; made by the first training.
        step: Optimizer steps that are shared, at least 1.
    """

    directory: Path
    step: int

    @property
    def place(self) -> Path:
        """Where the resume point is and what decided it, once a training has left them."""
        return self.directory / f"step-{self.step}"

    @property
    def name(self) -> str:
        """What a Trainer calls the resume point."""
        return f"checkpoint-{self.step}"

    def enter(self, directory: Path, settings: dict[str, Any]) -> None:
        """Begin a training with the shared steps, if they are there.

        Args:
            directory: Of a training that has no resume point of its own; exists.
            settings: Everything that decides the shared steps, as JSON values.

        Raises:
            RunDirectoryError: If the shared steps were decided by other settings.
        """
        if self.place.exists():
            check_settings(self.place, settings)
            with replacing(directory / self.name) as temporary:
                link_tree(self.place / self.name, temporary)

    def leave(self, directory: Path, settings: dict[str, Any]) -> None:
        """Share a training's resume point of the last shared step, unless another was first.

        Args:
            directory: Of the training; its resume point is there.
            settings: Everything that decides the shared steps, as JSON values.

        Raises:
            DiskFullError: If the disk is full.
        """
        with written_once(self.place) as temporary:
            temporary.mkdir()
            write_settings(temporary, settings)
            link_tree(directory / self.name, temporary / self.name)


class TrunkCallback(TrainerCallback):
    """Leave the resume point of the shared steps where other trainings find it.

    Args:
        trunk: Where, and after which step.
        settings: Everything that decides the shared steps, as JSON values.
    """

    def __init__(self, trunk: Trunk, settings: dict[str, Any]) -> None:
        self._trunk = trunk
        self._settings = settings

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Ask for a resume point at the last shared step."""
        del args, kwargs
        if state.global_step == self._trunk.step and not self._trunk.place.exists():
            control.should_save = True

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Share the resume point of the last shared step; the first process to do so wins."""
        del control, kwargs
        is_shared = self._trunk.place.exists() or not is_main_process()
        if state.global_step == self._trunk.step and not is_shared:
            self._trunk.leave(Path(str(args.output_dir)), self._settings)
