"""What a study of shapes may say: a model, what is cut by how much, and how it is measured."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Part(StrEnum):
    """What of a model is made smaller."""

    heads = "heads"
    ffn = "ffn"
    heads_and_ffn = "heads_and_ffn"
    layers = "layers"
    width = "width"
    vocabulary = "vocabulary"


class Runtime(StrEnum):
    """What runs the model."""

    torch = "torch"
    onnxruntime = "onnxruntime"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


_Positive = Annotated[int, Field(ge=1)]
_Share = Annotated[float, Field(gt=0, lt=1)]


class Cuts(_Settings):
    """Equal cuts: the same number of parameters is removed from one part after the other."""

    parts: tuple[Part, ...] = Field(
        default=tuple(Part), min_length=1, description="what is made smaller, each by itself"
    )
    removed: tuple[_Share, ...] = Field(
        min_length=1, description="shares of all parameters, embeddings included; one cell each"
    )
    tolerance: float = Field(
        default=0.06,
        gt=0,
        lt=1,
        description="a part that cannot remove this many parameters within this share is left out",
    )


class Protocol(_Settings):
    """How latency is taken; the models of a cell are interleaved with the whole model."""

    runtimes: tuple[Runtime, ...] = Field(
        default=tuple(Runtime), min_length=1, description="one cell each"
    )
    threads: tuple[_Positive, ...] = Field(default=(1,), min_length=1)
    batch: tuple[_Positive, ...] = Field(default=(1,), min_length=1, description="sequences a call")
    length: tuple[_Positive, ...] = Field(
        default=(32,), min_length=1, description="tokens a sequence"
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="leave out shapes of more tokens a call; default: none"
    )
    rounds: int = Field(default=20, ge=3, description="most timed calls of each model and shape")
    seconds: float | None = Field(
        default=None,
        gt=0,
        description="stop a shape after this long, but not before 3 rounds; default: all rounds",
    )

    def shapes(self) -> tuple[tuple[int, int], ...]:
        """List the shapes that are measured.

        Returns:
            Batch and length of each, those of too many tokens left out.
        """
        most = self.max_tokens or max(self.batch) * max(self.length)
        pairs = ((batch, length) for batch in self.batch for length in self.length)
        return tuple(pair for pair in pairs if pair[0] * pair[1] <= most)


class MeasuredCells(_Settings):
    """How long a cell takes, measured before the study has run."""

    seconds_per_cell: float = Field(gt=0)
    machine: str = Field(description="what it was measured on")


class ShapeGrid(_Settings):
    """A study whose cells are measured shapes; nothing is trained and nothing is scored."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="short name of the study")
    description: str = Field(default="", description="what the study asks")
    model: str = Field(description="bundled:NAME, a checkpoint directory, or a hub id")
    cuts: Cuts = Field(description="what is removed")
    measure: Protocol = Field(default_factory=Protocol, description="how latency is taken")
    measured: MeasuredCells | None = Field(
        default=None, description="for hours before any cell ran"
    )
