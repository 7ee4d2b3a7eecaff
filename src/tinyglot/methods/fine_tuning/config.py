"""Options of fine-tuning."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from tinyglot.methods.contract import MethodConfig
from tinyglot.training import BottleneckOptions, LoraOptions, TaskTrainingOptions, Tuning


class FineTuningConfig(MethodConfig, TaskTrainingOptions):
    """Which labelled data to train on, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["fine_tuning"] = "fine_tuning"
    tuning: Literal["full", "lora", "bottleneck"] = Field(
        default="full",
        exclude_if=lambda value: value == "full",
        description="what is trained with the head: all of the encoder (full), low-rank updates of "
        "some of its matrices that are merged into them afterwards (lora), or adapters behind its "
        "feed-forward blocks (bottleneck)",
    )
    lora: LoraOptions | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="options of `tuning: lora`: `rank` (8), `alpha` (16), `dropout` (0), `targets` "
        "(`query_value` or `all_linear`), `train_embeddings` (false)",
    )
    bottleneck: BottleneckOptions | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="options of `tuning: bottleneck`: `reduction` (16), by which an adapter has "
        "fewer channels than the model",
    )

    @model_validator(mode="after")
    def _options_of_the_chosen_tuning(self) -> Self:
        given = [name for name in ("lora", "bottleneck") if getattr(self, name) is not None]
        idle = [name for name in given if name != self.tuning]
        if idle:
            msg = f"the options {idle[0]} have no effect with tuning: {self.tuning}"
            raise ValueError(msg)
        if self.tuning != "full" and not given:  # a default that recipes and plans show
            object.__setattr__(self, self.tuning, self.chosen_tuning)
        return self

    @property
    def chosen_tuning(self) -> Tuning | None:
        """What is trained beside the head; ``None`` for the whole encoder."""
        if self.tuning == "full":
            return None
        if self.tuning == "lora":
            return self.lora or LoraOptions()
        return self.bottleneck or BottleneckOptions()
