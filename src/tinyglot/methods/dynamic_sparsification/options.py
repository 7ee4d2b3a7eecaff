"""Options of dynamic sparsification."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Size = Annotated[int, Field(ge=1)]
Step = Annotated[int, Field(ge=0)]


class ElasticOptions(BaseModel):
    """Which sizes to train inside one model, in which order its parts stand, and how it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    layers: tuple[Size, ...] = Field(
        default=(),
        description="numbers of layers to train; default: all, three quarters, a half and a "
        "quarter of the model's",
    )
    ffn: tuple[Size, ...] = Field(
        default=(), description="neurons a layer to train; default: as for layers"
    )
    heads: tuple[Size, ...] = Field(
        default=(),
        description="heads a layer to train; the hidden size goes with them, heads times the size "
        "of one, which costs more quality than layers and neurons; default: the model's only",
    )
    num_random_sizes: int = Field(
        default=2,
        ge=0,
        description="sizes drawn in each step beside the largest and the smallest; each costs time",
    )
    start_step: Step | None = Field(
        default=None,
        description="optimizer steps with the largest size alone; then its parts are put in order "
        "and the smaller sizes begin; default: a fifth of the steps",
    )
    refresh_steps: Size | None = Field(
        default=None,
        description="optimizer steps after which the order is measured again, in the first half of "
        "the training; null: once only",
    )
    scorer: Literal["taylor", "activation", "magnitude", "random"] = Field(
        default="taylor", description="what the order is measured by; random as a control"
    )
    importance_loss: Literal["labels", "logits", "hidden_states"] = Field(
        default="labels", description="what taylor takes the gradient of"
    )
    layer_order: Literal["spread", "importance"] = Field(
        default="spread",
        description="which layers a smaller size has: spread evenly from the first to the last, or "
        "those that matter most by the scorer",
    )
    calibration_sentences: int = Field(
        default=256, ge=1, description="training sequences that the order is measured on, at most"
    )
    soft_loss_weight: float = Field(
        default=1.0,
        ge=0,
        description="weight of a smaller size's divergence from what the largest predicts",
    )
    hard_loss_weight: float = Field(
        default=0.0, ge=0, description="weight of a smaller size's loss by the labels"
    )
    temperature: float = Field(
        default=1.0, gt=0, description="divides both logits of the divergence"
    )
