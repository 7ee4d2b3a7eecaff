"""Options of magnitude pruning."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.training import TaskTrainingOptions


class MagnitudePruningConfig(MethodConfig, PruningOptions, TaskTrainingOptions):
    """Which weights to remove and when, and what to train on meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["magnitude_pruning"] = "magnitude_pruning"

    def pruning(self) -> PruningOptions:
        """Give what is said about pruning alone.

        Returns:
            The options that a ``MagnitudePruningCallback`` takes.
        """
        return PruningOptions(**{name: getattr(self, name) for name in PruningOptions.model_fields})
