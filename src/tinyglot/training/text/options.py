"""What a step that trains on text may say about it."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from tinyglot.languages import LanguageCodes
from tinyglot.training.config import TrainingOptions


class TextTrainingOptions(TrainingOptions):
    """Which languages' text to train on, in what sequences, and how; the home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    languages: LanguageCodes = Field(
        default=(), description="languages to train on; default: the recipe's"
    )
    mask_probability: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.15,
        description="share of the tokens that are hidden, anew in every epoch: 80 % of them behind "
        "the mask token, 10 % behind a random token, 10 % as they are",
    )
    max_length: int = Field(
        default=256,
        ge=8,
        description="tokens a sequence, at most, as far as the model has positions",
    )
    sequences: Literal["lines", "packed"] = Field(
        default="lines",
        description="lines: each line alone, a longer one in equal parts; packed: as many lines of "
        "one language as fit, with the separator between them, each seeing the others",
    )
    sampling_temperature: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="a language's share is its tokens to the power of 1 / temperature: above 1 "
        "lifts small languages; inf: all alike",
    )
    max_train_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="tokens of all languages together that are trained on, chosen at random; "
        "default: as many as the proportions allow",
    )
    head_steps: int = Field(
        default=200,
        ge=0,
        description="steps in which a new LM head is trained alone, before all weights are; none "
        "for a model that has a head",
    )
    head_learning_rate: float = Field(
        default=1e-3, gt=0, lt=1, description="highest learning rate of these steps"
    )
    held_out_lines: int = Field(
        default=200,
        ge=0,
        description="lines of each language's dev portion on which the loss is taken; 0: none",
    )
    evaluate_steps: Annotated[int, Field(ge=1)] | None = Field(
        default=200,
        description="steps between two looks at the held-out loss; null: before and after only",
    )
    learning_rate: float = Field(
        default=1e-4, gt=0, lt=1, description="highest learning rate; falls linearly to 0"
    )
    num_epochs: int = Field(default=1, ge=1, description="passes over the chosen text")
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="sequences a step on each process, at most; instead of batch_tokens",
    )
    batch_tokens: int | None = Field(
        default=4096,
        ge=8,
        description="tokens a step on each process, padding included, at most",
    )
    active_vocabulary: Literal[False] = Field(
        default=False,
        description="always false: the loss looks at the whole vocabulary; trim it first",
    )

    @model_validator(mode="before")
    @classmethod
    def _size_replaces_the_default_tokens(cls, values: Any) -> Any:  # noqa: ANN401  (any input)
        if isinstance(values, dict) and values.get("batch_size") is not None:
            return {"batch_tokens": None, **values}
        return values

    @model_validator(mode="after")
    def _longest_sequence_fits(self) -> Self:
        if self.batch_tokens is not None and self.batch_tokens < self.max_length:
            msg = f"batch_tokens must be at least max_length, {self.max_length}"
            raise ValueError(msg)
        return self
