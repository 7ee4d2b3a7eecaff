"""What may be said about gates that are learnt, in a recipe and in a user's own Trainer."""

from typing import Annotated, Literal

from pydantic import Field

from tinyglot.training.checked_options import CheckedOptions

Kind = Literal["heads", "neurons"]
KINDS: tuple[Kind, ...] = ("heads", "neurons")
Count = Annotated[int, Field(ge=1)]


class GatingOptions(CheckedOptions):
    """Which structures go, how many and when; the only home of these defaults."""

    structures: Literal["heads", "neurons", "both"] = Field(
        default="both", description="what is removed: attention heads, FFN neurons, or both"
    )
    pruning_ratio: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="share of the heads and of the neurons that are removed; rounded to a whole "
        "number, in each layer where shape is uniform",
    )
    num_heads: Count | None = Field(
        default=None,
        description="heads that stay in each layer, on average where shape is free; default: by "
        "pruning_ratio",
    )
    ffn_size: Count | None = Field(
        default=None,
        description="neurons that stay in each layer, on average where shape is free; default: by "
        "pruning_ratio",
    )
    shape: Literal["uniform", "free"] = Field(
        default="uniform",
        description="uniform: as many in each layer; free: where they matter most, which only a "
        "slim checkpoint can hold",
    )
    start_share: float = Field(
        default=0.1, ge=0, lt=1, description="share of the steps before anything is gated"
    )
    end_share: float = Field(
        default=0.7,
        gt=0,
        lt=1,
        description="share of the steps after which it is decided what stays; the rest of the "
        "training recovers",
    )
    allow_no_effect: bool = Field(
        default=False, description="accept that all units of a kind stay instead of failing"
    )

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is removed."""
        return KINDS if self.structures == "both" else (self.structures,)

    def num_kept_by_layer(self, kind: Kind) -> int | None:
        """Give the number that was asked for.

        Args:
            kind: Heads or neurons.

        Returns:
            Units of each layer; ``None`` where the ratio decides.
        """
        return self.num_heads if kind == "heads" else self.ffn_size

    @property
    def is_uniform(self) -> bool:
        """Whether each layer keeps the same number."""
        return self.shape == "uniform"

    def _checks(self) -> tuple[tuple[bool, str], ...]:
        open_kinds = [kind for kind in self.kinds if self.num_kept_by_layer(kind) is None]
        has_ratio = self.pruning_ratio is not None
        return (
            (
                bool(open_kinds) and not has_ratio,
                f"how many {' and '.join(open_kinds)} stay is open: give pruning_ratio, or "
                "num_heads and ffn_size",
            ),
            (not open_kinds and has_ratio, "pruning_ratio decides nothing: leave it out"),
            (
                self.structures == "neurons" and self.num_heads is not None,
                "num_heads does not go with structures: neurons",
            ),
            (
                self.structures == "heads" and self.ffn_size is not None,
                "ffn_size does not go with structures: heads",
            ),
            (
                self.end_share <= self.start_share,
                f"end_share {self.end_share} is not after start_share {self.start_share}",
            ),
        )
