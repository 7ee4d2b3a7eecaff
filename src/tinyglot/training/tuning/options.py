"""What may be trained instead of the whole encoder."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LoraOptions(BaseModel):
    """Low-rank updates of linear modules; the only home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=8, ge=1, description="columns of the two factors of an update")
    alpha: float = Field(default=16, gt=0, description="updates count alpha / rank times")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="of the input of an update")
    targets: Literal["query_value", "all_linear"] = Field(
        default="query_value",
        description="linear modules with an update: query and value (the one module for both where "
        "a family fuses them with the key), or all of every layer",
    )
    train_embeddings: bool = Field(default=False, description="train the word embeddings, too")


class BottleneckOptions(BaseModel):
    """Adapters behind the feed-forward blocks; the only home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reduction: int = Field(
        default=16, ge=1, description="an adapter has so many times fewer channels than the layer"
    )


Tuning = LoraOptions | BottleneckOptions
