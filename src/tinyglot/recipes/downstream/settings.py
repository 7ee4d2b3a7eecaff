"""What a recipe says about the tasks that its stages are fine-tuned on."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.tasks import TaskOption

Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


class DownstreamSettings(BaseModel):
    """Which tasks the stages are fine-tuned on, and how; each in the same way."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    fine_tuning: FineTuningConfig = Field(
        default=FineTuningConfig(), description="options of fine_tuning for all tasks"
    )
    tasks: dict[str, FineTuningConfig] = Field(
        default_factory=dict,
        description="by task id: where its data are, and the options of fine_tuning that are "
        "its own; a task without data is left out",
    )
    stages: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="all, or some: original, final, the name of a step such as 02-adaptation, or "
        "of a method; retention needs the original",
    )
    seeds: Seeds = Field(default=(1, 2, 3), description="a training each; scores are their mean")
    split: str = Field(default="test", description="split of the labelled data that is scored")
    perplexity: dict[str, TaskOption] | None = Field(
        default_factory=dict,
        description="options of task mlm for the pseudo-perplexity of stages with an LM head on "
        "the test portion of the text, such as max_lines: 200; null: not taken",
    )
    keep: bool = Field(default=False, description="keep the fine-tuned models")

    @field_validator("tasks")
    @classmethod
    def _with_common_options(
        cls, tasks: dict[str, FineTuningConfig], info: ValidationInfo
    ) -> dict[str, FineTuningConfig]:
        common = info.data.get("fine_tuning")
        if common is None:  # its own mistakes are told
            return tasks
        return {task: _merged(task, common, own) for task, own in tasks.items()}

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"a seed is given twice: {', '.join(map(str, seeds))}")
        return seeds


def _merged(task: str, common: FineTuningConfig, own: FineTuningConfig) -> FineTuningConfig:
    if own.task not in (None, task):
        message = f"{task}: the options are of another task, {own.task}"
        raise ValueError(message)  # caught by pydantic
    given = {**common.model_dump(exclude_unset=True), **own.model_dump(exclude_unset=True)}
    try:
        return FineTuningConfig.model_validate({**given, "task": task})
    except ValidationError as error:
        mistakes = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        message = f"{task}: {mistakes}, with the options of fine_tuning"
        raise ValueError(message) from error  # caught by pydantic
