"""Options of movement pruning."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.movement_pruning.options import MovementOptions
from tinyglot.training import TaskTrainingOptions


class MovementPruningConfig(MethodConfig, MovementOptions, TaskTrainingOptions):
    """Which structures to remove and how, and what to train on meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["movement_pruning"] = "movement_pruning"

    def gating(self) -> MovementOptions:
        """Give what is said about gates alone.

        Returns:
            The options that a ``MovementPruningCallback`` takes.
        """
        return MovementOptions(
            **{name: getattr(self, name) for name in MovementOptions.model_fields}
        )
