"""Decides which layers stay; changes nothing."""

from statistics import fmean
from typing import Literal

from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import EncoderView, view
from tinyglot.data.text import TextSource, sample_lines
from tinyglot.errors import LayerRangeError, MissingInputError, NoEffectError
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.layer_dropping.config import LayerDroppingConfig, Strategy
from tinyglot.methods.layer_dropping.influence import DECIMALS, block_influence
from tinyglot.methods.layer_dropping.strategies import (
    choose_layers,
    preferred_by_influence,
    preferred_by_place,
)
from tinyglot.surgery import check_kept_layers, on_device


class LayerDroppingPlan(Plan):
    """Which layers stay.

    Attributes:
        method: Name of the method.
        strategy: How they were chosen.
        num_layers_before: Layers of the model.
        kept_layers: Indices from 0, increasing; the new index of each is its place here.
        pinned_layers: Layers that the architecture cannot do without.
        reinitialise: Whether the layers that stay get new random values.
        influence: Block influence per language, one value a layer; empty if it was not measured.
    """

    method: Literal["layer_dropping"] = "layer_dropping"
    strategy: Strategy
    num_layers_before: int
    kept_layers: tuple[int, ...]
    pinned_layers: tuple[int, ...] = ()
    reinitialise: bool = False
    influence: dict[str, tuple[float, ...]] = Field(default_factory=dict)

    @property
    def dropped_layers(self) -> tuple[int, ...]:
        """The layers that go, increasing."""
        return tuple(i for i in range(self.num_layers_before) if i not in self.kept_layers)

    @property
    def mean_influence(self) -> tuple[float, ...]:
        """Block influence of each layer, every language counting once."""
        return macro_average(self.influence)

    def summary(self) -> list[str]:
        """Say which layers stay and go, and how much each was found to do.

        Returns:
            Lines without markup.
        """
        lines = [
            f"keep {len(self.kept_layers)} of {self.num_layers_before} layers ({self.strategy}): "
            f"{_listed(self.kept_layers)}",
            f"drop {_listed(self.dropped_layers) or 'none'}",
        ]
        lines += ["the layers that stay get new random values"] * self.reinitialise
        lines += [f"layer {i} has to stay in this architecture" for i in self.pinned_layers]
        lines += [
            f"layer {i}: block influence {value:.4f}, {self._fate(i)}"
            for i, value in enumerate(self.mean_influence)
        ]
        return lines

    def _fate(self, layer: int) -> str:
        return "kept" if layer in self.kept_layers else "dropped"


def macro_average(influence: dict[str, tuple[float, ...]]) -> tuple[float, ...]:
    """Average over languages, each counting once.

    Args:
        influence: One value a layer for each language.

    Returns:
        One value a layer; empty without languages.
    """
    return tuple(round(fmean(values), DECIMALS) for values in zip(*influence.values(), strict=True))


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: LayerDroppingConfig,
    context: Context,
) -> LayerDroppingPlan:
    """Choose the layers that stay; runs the model only to measure block influence.

    Args:
        model: Gives the number of layers, and its hidden states to block influence.
        tokenizer: Used by block influence.
        config: The options.
        context: Gives languages, text, seed and device to block influence.

    Returns:
        The layers that stay, and each layer's influence if it was measured.

    Raises:
        LayerRangeError: If more layers are wanted than there are, or the list names a layer
            outside the model, twice, out of order, or leaves out one that must stay.
        MissingInputError: If block influence is asked for and a language has no text.
        DataNotFoundError: If a language's text is not there.
        EmptyTextError: If a language's text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        DataFormatError: If a text file is of no known kind or broken.
        NoEffectError: If every layer would stay.

    Cost:
        Block influence: one forward pass over ``num_lines`` lines per language.

    Randomness:
        Block influence draws its lines with ``context.seed``.
    """
    encoder = view(model)
    num_layers = len(encoder.layers)
    _check_num_layers(config, num_layers)
    measured = config.strategy == "block_influence"
    influence = _influence(model, tokenizer, config, context) if measured else {}
    kept = _kept_layers(config, encoder, influence)
    check_kept_layers(encoder, kept)
    has_effect = len(kept) < num_layers or config.reinitialise
    if not has_effect and not config.allow_no_effect:
        raise _no_effect(num_layers)
    return LayerDroppingPlan(
        strategy=config.strategy,
        num_layers_before=num_layers,
        kept_layers=kept,
        pinned_layers=encoder.pinned_layers,
        reinitialise=config.reinitialise,
        influence=influence,
    )


def _kept_layers(
    config: LayerDroppingConfig, encoder: EncoderView, influence: dict[str, tuple[float, ...]]
) -> tuple[int, ...]:
    if config.layers is not None:
        return config.layers
    num_kept = config.num_layers or 0
    if influence:
        preference = preferred_by_influence(macro_average(influence))
    else:
        preference = preferred_by_place(config.strategy, len(encoder.layers), num_kept)
    return choose_layers(preference, num_kept, encoder.pinned_layers)


def _influence(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: LayerDroppingConfig,
    context: Context,
) -> dict[str, tuple[float, ...]]:
    tags = _languages_with_text(context)
    lines = {
        tag: sample_lines(TextSource(context.text[tag]), config.num_lines, context.seed)
        for tag in tags
    }
    model = on_device(model, context.device)
    return {tag: block_influence(model, tokenizer, lines[tag], config.max_length) for tag in tags}


def _languages_with_text(context: Context) -> tuple[str, ...]:
    tags = context.languages or tuple(context.text)
    without = [tag for tag in tags if tag not in context.text]
    if without or not tags:
        raise MissingInputError(
            "Could not measure block influence: there is no text.",
            got=f"no text for {', '.join(without)}" if tags else "no text",
            expected="text for each language",
            fix="give text (--language TAG --text PATH, or the keys languages and text of the "
            "recipe), or choose another strategy, such as stride",
        )
    return tags


def _check_num_layers(config: LayerDroppingConfig, num_layers: int) -> None:
    if config.num_layers is not None and config.num_layers > num_layers:
        raise LayerRangeError(
            "Could not drop layers: more would stay than the model has.",
            got=f"num_layers {config.num_layers}",
            expected=f"less than {num_layers}, the layers of the model",
            fix=f"give num_layers below {num_layers}",
        )


def _no_effect(num_layers: int) -> NoEffectError:
    return NoEffectError(
        "Could not drop layers: every layer would stay.",
        got=f"{num_layers} of {num_layers} layers",
        expected=f"less than {num_layers} layers",
        fix=f"give num_layers below {num_layers}, or set allow_no_effect: true",
    )


def _listed(layers: tuple[int, ...]) -> str:
    return " ".join(map(str, layers))
