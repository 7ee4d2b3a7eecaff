"""Options of dynamic sparsification as a step of a recipe."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions
from tinyglot.training import TaskTrainingOptions


class DynamicSparsificationConfig(MethodConfig, ElasticOptions, TaskTrainingOptions):
    """Which sizes to train inside one model, and what to train on."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["dynamic_sparsification"] = "dynamic_sparsification"

    def elastic(self) -> ElasticOptions:
        """Give what is said about sizes alone.

        Returns:
            The options that a ``DynamicSparsificationCallback`` takes.
        """
        return ElasticOptions(**{name: getattr(self, name) for name in ElasticOptions.model_fields})
