"""Options of FFN pruning."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tinyglot.methods.contract import MethodConfig
from tinyglot.training import Kind
from tinyglot.training.pruning import UnitPruningOptions


class FfnPruningConfig(MethodConfig, UnitPruningOptions):
    """How many neurons stay, by what importance, and what is trained afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["ffn_pruning"] = "ffn_pruning"
    ffn_size: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="neurons that stay in each layer, on average where shape is free; or "
        "pruning_ratio",
    )
    ffn_kind: Literal["any", "plain", "glu"] = Field(
        default="any",
        description="refuse models whose neurons are of another kind: glu, whose neurons are a "
        "product of two, as in ModernBERT; plain, as in BERT",
    )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is removed."""
        return ("neurons",)

    def num_kept_by_layer(self, kind: Kind) -> int | None:
        """Give the number that was asked for.

        Args:
            kind: Neurons.

        Returns:
            Neurons of each layer; ``None`` where the ratio decides.
        """
        del kind
        return self.ffn_size
