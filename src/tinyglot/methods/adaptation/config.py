"""Options of adaptation."""

from typing import Literal

from pydantic import ConfigDict

from tinyglot.methods.contract import MethodConfig
from tinyglot.training.text import TextTrainingOptions


class AdaptationConfig(MethodConfig, TextTrainingOptions):
    """Which languages' text to train on, in what sequences, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["adaptation"] = "adaptation"
