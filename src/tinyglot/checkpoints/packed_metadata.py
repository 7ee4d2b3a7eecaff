"""What the free text of a packed file must say, checked before anything is read by it."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Json, model_validator

_Whole = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Entry(_Strict):
    """What the header of a safetensors file says about a tensor."""

    dtype: str
    shape: tuple[_Whole, ...]
    data_offsets: tuple[_Whole, _Whole]

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.data_offsets[0] > self.data_offsets[1]:
            msg = f"data_offsets {self.data_offsets} end before they begin"
            raise ValueError(msg)
        return self


class _DenseHeader(BaseModel):
    """The header of a safetensors file: its tensors by name, and free text."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, _Entry]

    free_text: dict[str, str] = Field(default_factory=dict, alias="__metadata__")


class PackedMetadata(_Strict):
    """The free text of a packed file, as ``pack_checkpoint`` writes it.

    Attributes:
        format: That it is packed in this way.
        version: Of the way of packing.
        dense_header: The header of the dense file.
        dense_sha256: Of the whole dense file.
        same_as: By name of a tensor that is not stored, the one that has its values.
    """

    format: str
    version: str
    dense_header: Json[_DenseHeader]
    dense_sha256: str
    same_as: Json[dict[str, str]]
