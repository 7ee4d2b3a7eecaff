"""What may be said about pruning, in a recipe and in a user's own Trainer."""

from typing import Annotated, Literal

from pydantic import Field

from tinyglot.training.checked_options import CheckedOptions
from tinyglot.training.ramp import Ramp

Scope = Literal["global", "matrix", "layer"]
Step = Annotated[int, Field(ge=0)]


class PruningOptions(CheckedOptions):
    """Which weights go, how many and when; the only home of these defaults."""

    sparsity: float = Field(
        ge=0, lt=1, description="share of the weights that count which are zero in the end"
    )
    start_step: Step | None = Field(
        default=None,
        description="optimizer steps before weights are first removed; default: the paper's for "
        "data of this size, scaled to the length of the run",
    )
    end_step: Step | None = Field(
        default=None,
        description="optimizer steps after which no more are removed; default: as above",
    )
    frequency: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="optimizer steps between two removals, at most end_step - start_step unless "
        "these are the same; default: as above, so give it where you give both",
    )
    ramp: Ramp = Field(
        default="cubic",
        description="how the sparsity rises: cubic removes most at first, linear as much each "
        "time, one_shot all at once",
    )
    scope: Scope = Field(
        default="global",
        description="where the smallest weights are looked for: in all matrices together, in each "
        "matrix or in each layer",
    )
    embeddings: Literal["exclude", "include"] = Field(
        default="exclude",
        description="whether the embeddings of tokens, positions and types count; with the whole "
        "vocabulary, even where only a part of it is trained",
    )
    modules: tuple[str, ...] = Field(
        default=(),
        description="patterns of names of linear layers, such as `*.attention.*`; default: every "
        "linear layer of the encoder, and none of the head",
    )
    regrowth: bool = Field(
        default=False,
        description="let removed weights grow again until the next removal, so that others may go "
        "instead; they stay zero after the last",
    )
    allow_no_effect: bool = Field(
        default=False,
        description="accept a sparsity that the model has already, such as 0: a control run "
        "through the same code",
    )

    def _checks(self) -> tuple[tuple[bool, str], ...]:
        start, end = self.start_step, self.end_step
        backwards = start is not None and end is not None and end < start
        return (
            (backwards, f"end_step {end} is before start_step {start}"),
            (
                self.sparsity == 0 and not self.allow_no_effect,
                "sparsity 0 removes nothing: give more, or allow_no_effect: true for a control run",
            ),
        )
