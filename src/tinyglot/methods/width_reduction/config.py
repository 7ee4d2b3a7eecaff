"""Options of width reduction."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinyglot.importance import DATA_SCORERS
from tinyglot.languages import LanguageCodes
from tinyglot.methods.contract import MethodConfig

Basis = Literal["truncation", "svd", "pca", "importance"]
HeadForm = Literal["whole", "narrowed"]


class WidthReductionConfig(MethodConfig):
    """How wide the hidden states become, which channels they keep, and what it is measured on."""

    method: Literal["width_reduction"] = "width_reduction"
    hidden_size: int = Field(
        default=0,
        ge=0,
        description="channels that stay; a multiple of the number of heads, or of the size of a "
        "head where heads stay whole; 0: as size_fraction says",
    )
    size_fraction: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="share of the channels that stays, for models of any width: rounded to a "
        "multiple of the number of heads, or of the size of a head where heads: whole is given",
    )
    basis: Basis = Field(
        default="pca",
        description="truncation: every tensor is cut off, as published; svd: cut out of matrices "
        "of a lower rank, the published variant; pca: the directions in which the hidden states "
        "of your text have most energy; importance: the channels that matter most",
    )
    heads: HeadForm | None = Field(
        default=None,
        description="of pca and importance. whole: as many heads as fill the width, those that "
        "matter most; narrowed: all of them, each with fewer channels; default: whole where the "
        "width is a multiple of the size of a head",
    )
    reconstruct: bool | None = Field(
        default=None,
        description="of pca and importance: fit norms and matrices to what the model computed "
        "before, on your text, in closed form; default: true",
    )
    reorder_heads: bool = Field(
        default=False,
        description="of truncation and svd: put the heads of each layer in order of importance "
        "before, as published, so that most of the first ones stays",
    )
    scorer: Literal["taylor", "activation", "magnitude"] = Field(
        default="taylor",
        description="how heads and channels are measured. taylor: what the loss changes by "
        "without them (of masked tokens if the model has a masked-LM head, else of its hidden "
        "states); activation: their norm on your text; magnitude: the norm of their weights",
    )
    num_lines: int = Field(
        default=200,
        ge=1,
        description="lines of the text's dev portion per language to measure on; sentences of the "
        "labelled data's train split where there is no text",
    )
    max_length: int = Field(
        default=64, ge=8, le=512, description="tokens after which a line is cut"
    )
    languages: LanguageCodes = Field(
        default=(), description="languages to measure on; default: the recipe's"
    )
    max_unk_rate: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of a language's tokens that may be unknown to the tokenizer",
    )
    allow_no_effect: bool = Field(
        default=False, description="accept the width that the model has instead of failing"
    )

    @model_validator(mode="after")
    def _one_width(self) -> "WidthReductionConfig":
        if (self.hidden_size == 0) == (self.size_fraction is None):
            raise ValueError("give hidden_size or size_fraction, and not both")
        return self

    @model_validator(mode="after")
    def _no_idle_choice(self) -> "WidthReductionConfig":
        if self.is_cut_off and (self.heads is not None or self.reconstruct is not None):
            idle = "heads" if self.heads is not None else "reconstruct"
            raise ValueError(f"basis {self.basis} has no choice of {idle}; leave it out")
        if self.reorder_heads and not self.is_cut_off:
            raise ValueError(f"reorder_heads is for truncation and svd, not for {self.basis}")
        if self.scorer != "taylor" and self.is_cut_off and not self.reorder_heads:
            raise ValueError(f"basis {self.basis} measures nothing: leave scorer out")
        return self

    def sized(self, hidden_size: int, num_heads: int) -> "WidthReductionConfig":
        """Say the width in channels.

        Args:
            hidden_size: Of the model.
            num_heads: Of each of its layers.

        Returns:
            The same options with ``hidden_size``.

        Example:
            >>> WidthReductionConfig(size_fraction=0.40625).sized(384, 12).hidden_size
            156
        """
        if self.size_fraction is None:
            return self
        unit = hidden_size // num_heads if self.heads == "whole" else num_heads
        units = max(1, math.floor(self.size_fraction * hidden_size / unit + 0.5))
        return self.model_copy(update={"hidden_size": units * unit, "size_fraction": None})

    @property
    def is_cut_off(self) -> bool:
        """Whether tensors keep their beginning, as published."""
        return self.basis in ("truncation", "svd")

    @property
    def reconstructs(self) -> bool:
        """Whether norms and matrices are fitted."""
        return not self.is_cut_off and self.reconstruct is not False

    def needs_text(self, heads: HeadForm) -> bool:
        """Tell whether anything is measured on text.

        Args:
            heads: What becomes of the heads.

        Returns:
            Whether text has to be read.
        """
        if self.is_cut_off:
            return self.reorder_heads and self.scorer in DATA_SCORERS
        is_measured = self.basis == "pca" or self.reconstructs or heads == "narrowed"
        return is_measured or self.scorer in DATA_SCORERS
