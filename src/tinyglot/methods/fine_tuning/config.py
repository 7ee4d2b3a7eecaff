"""Options of fine-tuning."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.training import TaskTrainingOptions


class FineTuningConfig(MethodConfig, TaskTrainingOptions):
    """Which labelled data to train on, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["fine_tuning"] = "fine_tuning"
