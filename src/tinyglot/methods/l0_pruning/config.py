"""Options of L0 pruning."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.l0_pruning.options import L0Options
from tinyglot.training import TaskTrainingOptions


class L0PruningConfig(MethodConfig, L0Options, TaskTrainingOptions):
    """Which structures to remove and how, and what to train on meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["l0_pruning"] = "l0_pruning"

    def gating(self) -> L0Options:
        """Give what is said about gates alone.

        Returns:
            The options that an ``L0PruningCallback`` takes.
        """
        return L0Options(**{name: getattr(self, name) for name in L0Options.model_fields})
