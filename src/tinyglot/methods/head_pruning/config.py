"""Options of head pruning."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tinyglot.methods.contract import MethodConfig
from tinyglot.training import Kind
from tinyglot.training.pruning import UnitPruningOptions


class HeadPruningConfig(MethodConfig, UnitPruningOptions):
    """How many attention heads stay, by what importance, and what is trained afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["head_pruning"] = "head_pruning"
    num_heads: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="heads that stay in each layer, on average where shape is free; or "
        "pruning_ratio",
    )
    normalise_layers: bool = Field(
        default=True,
        description="divide the importance by its norm in each layer, so that layers compare "
        "alike; only matters where shape is free",
    )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is removed."""
        return ("heads",)

    def num_kept_by_layer(self, kind: Kind) -> int | None:
        """Give the number that was asked for.

        Args:
            kind: Heads.

        Returns:
            Heads of each layer; ``None`` where the ratio decides.
        """
        del kind
        return self.num_heads
