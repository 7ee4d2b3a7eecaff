"""How to train: what a recipe may say about it, and where and from which seed it runs."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainingOptions(BaseModel):
    """What a recipe may say about training; the only home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float = Field(
        default=2e-4, gt=0, lt=1, description="highest learning rate; falls linearly to 0"
    )
    num_epochs: int = Field(default=5, ge=1, description="passes over the training data")
    max_steps: int | None = Field(
        default=None, ge=1, description="optimizer steps, instead of num_epochs; default: no limit"
    )
    stop_step: int | None = Field(
        default=None,
        ge=1,
        description="end after this many of max_steps steps, all of them as in the whole training, "
        "the learning rate too; default: all",
    )
    batch_size: int | None = Field(
        default=16, ge=1, description="sequences a step on each process, at most"
    )
    batch_tokens: int | None = Field(
        default=None,
        ge=8,
        description="tokens a step on each process, padding included, at most; "
        "instead of batch_size",
    )
    warmup_ratio: float = Field(
        default=0.1, ge=0, lt=1, description="share of the steps in which the rate rises from 0"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, lt=1, description="AdamW decay of matrices; never of embeddings"
    )
    gradient_clip: float | None = Field(
        default=1.0, gt=0, description="largest gradient norm; null: not clipped"
    )
    precision: Literal["bf16", "fp32"] = Field(
        default="bf16", description="of the matrix products; weights stay in fp32"
    )
    active_vocabulary: bool = Field(
        default=True, description="train on the embedding rows that occur in the data"
    )
    save_steps: Annotated[int, Field(ge=1)] | None = Field(
        default=200, description="steps between two resume points; null: none"
    )

    @model_validator(mode="before")
    @classmethod
    def _tokens_replace_the_default_size(cls, values: Any) -> Any:  # noqa: ANN401  (any input)
        if isinstance(values, dict) and values.get("batch_tokens") is not None:
            return {"batch_size": None, **values}
        return values

    @model_validator(mode="after")
    def _one_batch_measure(self) -> Self:
        if (self.batch_size is None) == (self.batch_tokens is None):
            msg = "give batch_size or batch_tokens, and not both"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _stops_before_the_end(self) -> Self:
        if self.stop_step is not None and not self.stop_step <= (self.max_steps or 0):
            msg = f"stop_step {self.stop_step} needs max_steps of at least as many"
            raise ValueError(msg)
        return self


class TrainingConfig(TrainingOptions):
    """Options of one training run, with its seed and device, and the rate of its head."""

    seed: int = Field(default=0, ge=0, description="seed of dropout and of the batches' order")
    head_learning_rate: float | None = Field(
        default=None, gt=0, lt=1, description="of all that is not the encoder; null: the same"
    )
    device: str = Field(default="cpu", description="torch device: cpu, cuda, mps …")
    tuning: dict[str, Any] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="how the model that is trained was made; resume points must agree on it",
    )
