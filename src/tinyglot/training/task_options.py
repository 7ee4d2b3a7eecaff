"""What a step that trains on a task may say about it: which data, how long, how often."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from tinyglot.languages import LanguageCodes
from tinyglot.tasks import TaskOption
from tinyglot.training.config import TrainingOptions


class TaskTrainingOptions(TrainingOptions):
    """Which labelled data to train on, and how; the only home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    task: str | None = Field(default=None, description="task id; default: the recipe's")
    task_options: dict[str, TaskOption] = Field(
        default_factory=dict, description="options of the task; default: the recipe's"
    )
    data: str | None = Field(
        default=None,
        description="labelled data: a directory or a hub dataset id; default: the recipe's",
    )
    languages: LanguageCodes = Field(
        default=(), description="languages to train on; default: the recipe's"
    )
    train_split: str = Field(default="train", description="split to train on")
    evaluation_splits: tuple[str, ...] = Field(
        default=("dev", "test"),
        description="splits whose labels are checked and whose tokens stay active; left out where "
        "a language has none",
    )
    max_length: int = Field(
        default=128,
        ge=8,
        description="tokens a sequence, at most, as far as the model has positions; "
        "longer sentences become several",
    )
    max_train_sentences: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="training sentences of each language, at most, chosen at random; default: all",
    )
    num_train_sentences: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="training sentences of all languages together; default: as many as the "
        "proportions allow",
    )
    sampling_temperature: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="a language's share is its size to the power of 1 / temperature: above 1 lifts "
        "small languages; inf: all alike",
    )
    head_learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="highest learning rate of the head; a higher one shortens the slow start of a "
        "new head on encoders whose hidden states are small; null: learning_rate",
    )

    @model_validator(mode="after")
    def _longest_sequence_fits(self) -> Self:
        if self.batch_tokens is not None and self.batch_tokens < self.max_length:
            msg = f"batch_tokens must be at least max_length, {self.max_length}"
            raise ValueError(msg)
        return self
