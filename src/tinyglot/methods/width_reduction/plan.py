"""Decides what the new channels and heads are; changes nothing."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import EncoderView, Shape, check_no_adapters, view
from tinyglot.architectures.stock import count_in_shape
from tinyglot.errors import NoEffectError, UnsupportedArchitectureError
from tinyglot.importance import Importance, layers_digest, measure_importance
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.width_reduction.bases import pca_projection
from tinyglot.methods.width_reduction.calibration import Calibration, read_calibration
from tinyglot.methods.width_reduction.config import HeadForm, WidthReductionConfig
from tinyglot.methods.width_reduction.statistics import stream_moments
from tinyglot.surgery import (
    absorb_norm_gains,
    check_narrowed_heads,
    check_same_layers,
    check_width,
    count_parameters,
    on_device,
)

DECIMALS = 4


class WidthReductionPlan(Plan):
    """What the model becomes.

    Attributes:
        method: Name of the method.
        config: The options.
        heads: Whether heads stay whole; cut off and split anew by truncation and svd.
        hidden_size_before: Channels of the model.
        num_heads_before: Heads of each of its layers.
        head_dim_before: Channels of each of them.
        num_heads: Heads of each layer afterwards.
        head_dim: Channels of each of them.
        head_order: The heads of every layer that stay, in their new order; empty where nothing is
            chosen or put in order.
        channels: The channels that stay, by importance; else empty.
        explained_variance: By pca, the share of the energy of the residual stream, as norms see it,
            in the directions that stay.
        num_tokens: Tokens of the text on which it was measured.
        calibration_digest: Of that text; empty without.
        layers_digest: Of the model.
        num_parameters_before: Of the model, head included.
        num_parameters_after: Of the result.
    """

    method: Literal["width_reduction"] = "width_reduction"
    config: WidthReductionConfig
    heads: HeadForm
    hidden_size_before: int
    num_heads_before: int
    head_dim_before: int
    num_heads: int
    head_dim: int
    head_order: tuple[tuple[int, ...], ...] = ()
    channels: tuple[int, ...] = ()
    explained_variance: float | None = None
    num_tokens: int = 0
    calibration_digest: str = ""
    layers_digest: str
    num_parameters_before: int
    num_parameters_after: int

    def summary(self) -> list[str]:
        """Say what becomes of channels, heads and parameters.

        Returns:
            Lines without markup.
        """
        before, after = self.num_parameters_before, self.num_parameters_after
        lines = [
            f"hidden size {self.hidden_size_before} to {self.config.hidden_size} "
            f"({self.config.basis})",
            f"{self.num_heads_before} heads of {self.head_dim_before} to {self.num_heads} heads "
            f"of {self.head_dim} in each layer: {self._about_heads()}",
            f"{before:,} parameters to {after:,} ({after / before - 1:+.1%})",
        ]
        if self.explained_variance is not None:
            lines.append(
                f"the directions that stay have {self.explained_variance:.1%} of the energy of the "
                "residual stream"
            )
        if self.num_tokens:
            lines.append(f"measured on {self.num_tokens:,} tokens")
        lines.append("stock: an ordinary configuration has this shape; train it before use")
        return lines

    def _about_heads(self) -> str:
        if self.config.is_cut_off:
            order = "by importance" if self.head_order else "as they stand"
            return f"rows of the heads {order}, cut off and split anew"
        return "those that matter most" if self.heads == "whole" else "all of them, narrowed"


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: WidthReductionConfig,
    context: Context,
) -> WidthReductionPlan:
    """Choose heads and channels; runs the model where that has to be measured.

    Args:
        model: A model of a supported family, with or without a head.
        tokenizer: Its tokenizer; not looked at where nothing is measured on text.
        config: The options.
        context: Gives languages, text, seed and device.

    Returns:
        What stays, and what it costs.

    Raises:
        StructureRangeError: If the width is above the model's, or does not fit its heads.
        UnsupportedArchitectureError: If the family's heads cannot be narrowed and would have to.
        NoEffectError: If the model is that narrow already.
        MissingInputError: If something is measured and a language has no text, and there are no
            labelled data instead.
        UncoveredTextError: If too much of a language's text is unknown to the tokenizer.
        DataNotFoundError: If a language's text or data is not there.
        EmptyTextError: If a language's text has no line in its dev portion.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        DataFormatError: If a text file is of no known kind or broken.
        UnknownMethodError: If there is no such task.
        TaskOptionError: If an option of the task is unknown or out of range.
        UnsupportedTokenizerError: If masked tokens are needed and there is no mask token.

    Cost:
        By taylor a forward and a backward pass over the lines, by pca another forward pass.

    Randomness:
        Lines, and what the scorer draws, are seeded with ``context.seed``.
    """
    encoder = view(model)
    config = config.sized(encoder.hidden_size, encoder.num_heads[0])
    heads = _head_form(encoder, config)
    check_effect(encoder, config)
    calibration = calibration_of(tokenizer, config, context, heads)
    on = on_device(model, context.device)
    importance = _importance(on, tokenizer, config, calibration, context.seed, heads)
    head_dim = encoder.head_dim if heads == "whole" else config.hidden_size // encoder.num_heads[0]
    num_heads = config.hidden_size // head_dim
    return WidthReductionPlan(
        config=config,
        heads=heads,
        hidden_size_before=encoder.hidden_size,
        num_heads_before=encoder.num_heads[0],
        head_dim_before=encoder.head_dim,
        num_heads=num_heads,
        head_dim=head_dim,
        head_order=_head_order(importance, config, num_heads, heads),
        channels=_channels(importance, config),
        explained_variance=_explained(on, config, calibration),
        num_tokens=calibration.num_tokens,
        calibration_digest=calibration.digest,
        layers_digest=layers_digest(model),
        num_parameters_before=count_parameters(model).num_parameters,
        num_parameters_after=count_in_shape(encoder, _shape(encoder, config, num_heads, head_dim)),
    )


def calibration_of(
    tokenizer: PreTrainedTokenizerFast,
    config: WidthReductionConfig,
    context: Context,
    heads: HeadForm,
) -> Calibration:
    """Read the lines that are needed.

    Args:
        tokenizer: The model's tokenizer.
        config: The options.
        context: Gives languages, text and seed.
        heads: What becomes of the heads.

    Returns:
        No lines where nothing is measured on text.
    """
    if config.needs_text(heads):
        return read_calibration(tokenizer, config, context)
    return Calibration({}, 0)


# --- what fits ----------------------------------------------------------------------------------


def _head_form(encoder: EncoderView, config: WidthReductionConfig) -> HeadForm:
    check_no_adapters(encoder)
    fits = config.hidden_size % encoder.head_dim == 0 or encoder.has_rotary_positions
    chosen: HeadForm = config.heads or ("whole" if fits else "narrowed")
    if config.is_cut_off or chosen == "narrowed":
        check_narrowed_heads(encoder, config.hidden_size)
        if not config.is_cut_off and "position_key" in encoder.linear_modules()[0]:
            raise UnsupportedArchitectureError(
                "Could not narrow the heads of the model.",
                got=f"{encoder.family} with matrices of their own for the keys of positions",
                expected="a model whose positions share the keys of the text (share_att_key: true)",
                fix=f"give heads: whole and a multiple of {encoder.head_dim} as hidden_size, or "
                "basis: truncation",
            )
        return "narrowed"
    check_same_layers(encoder)
    check_width(encoder, config.hidden_size, encoder.head_dim, "the size of a head")
    return "whole"


def check_effect(encoder: EncoderView, config: WidthReductionConfig) -> None:
    """Refuse the width that a model has already.

    Args:
        encoder: The view of the model.
        config: The options.

    Raises:
        NoEffectError: If nothing would change and may not.
    """
    if config.hidden_size == encoder.hidden_size and not config.allow_no_effect:
        raise NoEffectError(
            "Could not reduce the width: the model is that narrow already.",
            got=f"hidden_size {config.hidden_size}",
            expected=f"less than {encoder.hidden_size}",
            fix="give a smaller hidden_size, or set allow_no_effect: true",
        )


def _shape(
    encoder: EncoderView, config: WidthReductionConfig, num_heads: int, head_dim: int
) -> Shape:
    shape = Shape.of(encoder.model)
    is_bottleneck = encoder.embedding_size != encoder.hidden_size
    return shape.change(
        heads=(num_heads,) * len(shape.heads),
        head_dim=head_dim,
        hidden_size=config.hidden_size,
        embedding_size=encoder.embedding_size if is_bottleneck else config.hidden_size,
    )


# --- what is measured ---------------------------------------------------------------------------


def _importance(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: WidthReductionConfig,
    calibration: Calibration,
    seed: int,
    heads: HeadForm,
) -> Importance | None:
    """Measure heads and channels, if any of them are chosen or put in order."""
    chooses = config.basis == "importance" or heads == "whole" or config.reorder_heads
    if not chooses:
        return None
    if config.scorer == "taylor" and view(model).lm_head is not None:
        batches = calibration.masked_batches(tokenizer, seed)
        return measure_importance(model, batches, "taylor", "labels", seed)
    batches = calibration.batches() if calibration.rows else []
    return measure_importance(model, batches, config.scorer, "hidden_states", seed)


def _head_order(
    importance: Importance | None, config: WidthReductionConfig, num_heads: int, form: HeadForm
) -> tuple[tuple[int, ...], ...]:
    if importance is None:
        return ()
    if config.is_cut_off:
        return tuple(_highest(each, len(each)) for each in importance.heads)
    if form == "narrowed":
        return ()
    return tuple(tuple(sorted(_highest(each, num_heads))) for each in importance.heads)


def _channels(importance: Importance | None, config: WidthReductionConfig) -> tuple[int, ...]:
    if importance is None or config.basis != "importance":
        return ()
    return tuple(sorted(_highest(importance.hidden, config.hidden_size)))


def _highest(values: Tensor, count: int) -> tuple[int, ...]:
    """Indices of the highest values, highest first; the lower index where two are equal."""
    found: Sequence[float] = values.tolist()
    return tuple(sorted(range(len(found)), key=lambda i: (-found[i], i))[:count])


def _explained(
    model: PreTrainedModel, config: WidthReductionConfig, calibration: Calibration
) -> float | None:
    if config.basis != "pca":
        return None
    moments = stream_moments(absorb_norm_gains(model), calibration.batches())
    return round(pca_projection(moments, config.hidden_size)[1], DECIMALS)
