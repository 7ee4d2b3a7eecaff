"""Options of layer dropping."""

from typing import Any, Literal

from pydantic import Field, model_validator

from tinyglot.methods.contract import MethodConfig

Strategy = Literal["first", "last", "stride", "first_last", "block_influence", "explicit"]


class LayerDroppingConfig(MethodConfig):
    """Which layers stay: so many by a strategy, or a list."""

    method: Literal["layer_dropping"] = "layer_dropping"
    strategy: Strategy = Field(
        default="stride",
        description="first, last: the lowest or highest layers; stride: evenly spaced from layer "
        "0; first_last: half from each end; block_influence: those that change the hidden states "
        "of your text most; explicit: the list in `layers`, which sets this by itself",
    )
    num_layers: int | None = Field(
        default=None, ge=1, description="layers that stay; not with `layers`"
    )
    layers: tuple[int, ...] | None = Field(
        default=None, description="the layers that stay, from 0, increasing; not with `num_layers`"
    )
    reinitialise: bool = Field(
        default=False,
        description="give the layers that stay new random values; embeddings and head stay: a "
        "control for what is learnt from the model before",
    )
    num_lines: int = Field(
        default=200,
        ge=1,
        description="lines of text per language on which block_influence is measured",
    )
    max_length: int = Field(
        default=128,
        ge=8,
        le=512,
        description="tokens after which a line is cut for block_influence",
    )
    allow_no_effect: bool = Field(
        default=False, description="accept that every layer stays instead of failing"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_list_is_the_strategy(cls, values: Any) -> Any:  # noqa: ANN401  (raw input)
        if isinstance(values, dict) and values.get("layers") is not None:
            return {"strategy": "explicit", **values}
        return values

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> "LayerDroppingConfig":
        if self.strategy == "explicit" and self.layers is None:
            raise ValueError("strategy explicit needs layers, such as [0, 2, 4]")
        if self.strategy != "explicit" and self.layers is not None:
            raise ValueError(f"give either layers or strategy {self.strategy}, not both")
        if self.strategy != "explicit" and self.num_layers is None:
            raise ValueError(f"strategy {self.strategy} needs num_layers, how many layers stay")
        if self.layers is not None and self.num_layers is not None:
            raise ValueError("give either layers or num_layers, not both")
        return self
