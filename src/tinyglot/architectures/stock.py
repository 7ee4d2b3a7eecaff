"""Which shapes an ordinary configuration can express, and what the nearest of them costs.

What a family can express is not written down but tried: a tiny model is built with the installed
transformers and run.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import torch
from transformers import CONFIG_MAPPING, AutoModel, PreTrainedModel

from tinyglot.architectures.axes import Axis, tensor_axes
from tinyglot.architectures.families import VIEWS, view
from tinyglot.architectures.view import EncoderView
from tinyglot.errors import StructureRangeError, UnsupportedArchitectureError

_TINY = {
    "vocab_size": 7,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
    "pad_token_id": 0,
    **dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"), 1),
}
# fields that some family of transformers reads as the channels of a head
_HEAD_DIM_FIELDS = ("head_dim", "attention_head_size")


@dataclass(frozen=True)
class StockShapes:
    """Which shapes plain ``AutoModel`` can load, for one family and the installed transformers.

    Attributes:
        layers: Any number of layers.
        ffn_size: Any number of neurons, the same in every layer.
        ffn_size_per_layer: Another number in each layer.
        hidden_size: Any hidden size that the heads divide, so that fewer heads make a narrower
            model.
        num_heads: Fewer heads at an unchanged hidden size, the same number in every layer.
        num_heads_per_layer: Another number in each layer.
        embedding_size: Word embeddings narrower than the hidden size.
        vocabulary_size: Any vocabulary.
    """

    layers: bool
    ffn_size: bool
    ffn_size_per_layer: bool
    hidden_size: bool
    num_heads: bool
    num_heads_per_layer: bool
    embedding_size: bool
    vocabulary_size: bool

    def names(self) -> list[str]:
        """List what can be changed.

        Returns:
            Names of fields that are true.
        """
        return [name for name, can in vars(self).items() if can]


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that a cut changes.

    Attributes:
        heads: Heads of each layer.
        ffn: Neurons of each layer.
        head_dim: Channels of a head.
        hidden_size: Channels of the residual stream.
        embedding_size: Channels of the word embeddings.
        vocabulary_size: Rows of the word embeddings.
    """

    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    head_dim: int
    hidden_size: int
    embedding_size: int
    vocabulary_size: int

    @classmethod
    def of(cls, model: PreTrainedModel) -> Self:
        """Read the shape of a model from its matrices.

        Args:
            model: A model of a supported family.

        Returns:
            Its present shape.
        """
        encoder = view(model)
        return cls(
            heads=encoder.num_heads,
            ffn=encoder.ffn_sizes,
            head_dim=encoder.head_dim,
            hidden_size=encoder.hidden_size,
            embedding_size=encoder.embedding_size,
            vocabulary_size=encoder.num_token_ids,
        )

    def change(self, **sizes: Any) -> Self:  # noqa: ANN401  (the fields of this class)
        """Give the same shape with other sizes.

        Args:
            **sizes: Fields of this class.

        Returns:
            The new shape.
        """
        return replace(self, **sizes)


@dataclass(frozen=True)
class StockProjection:
    """What an ordinary model needs to hold a shape that is asked for.

    Attributes:
        requested: What is asked for.
        nearest: The smallest shape of an ordinary model with at least as much of everything.
        num_parameters_requested: Of the model in the shape that is asked for.
        num_parameters: Of the model in the nearest shape.
    """

    requested: Shape
    nearest: Shape
    num_parameters_requested: int
    num_parameters: int

    @property
    def is_stock(self) -> bool:
        """Whether an ordinary model can have the shape that is asked for."""
        return self.requested == self.nearest

    @property
    def num_extra_parameters(self) -> int:
        """What the ordinary model costs."""
        return self.num_parameters - self.num_parameters_requested

    def lines(self) -> list[str]:
        """Say for a person what can be stock and what the rest costs.

        Returns:
            One line if the shape is stock; else one a size that is not, the price, and the way
            out.
        """
        if self.is_stock:
            return ["stock: an ordinary configuration has this shape; plain AutoModel loads it"]
        share = self.num_extra_parameters / self.num_parameters_requested
        return [
            *_differences(self.requested, self.nearest),
            f"nearest stock shape: {self.num_extra_parameters:,} parameters more ({share:+.1%}), "
            "filled with zeros it computes the same",
            "as it is: slim, which loads with trust_remote_code=True or with tinyglot",
        ]


def _differences(requested: Shape, nearest: Shape) -> Iterator[str]:
    names = {"heads": "heads", "ffn": "neurons", "hidden_size": "hidden channels"}
    for field, name in names.items():
        wanted, stock = getattr(requested, field), getattr(nearest, field)
        if wanted != stock:
            yield f"not stock: {_count(wanted, name)}; an ordinary model has {_count(stock, name)}"


def _count(sizes: int | tuple[int, ...], name: str) -> str:
    if isinstance(sizes, int):
        return f"{sizes} {name}"
    low, high = min(sizes), max(sizes)
    return f"{low} {name} in every layer" if low == high else f"{low} to {high} {name} by layer"


# --- what a family can express -----------------------------------------------------------------


def stock_shapes(family: str) -> StockShapes:
    """Find out which shapes an ordinary checkpoint of a family can express.

    Args:
        family: A family's name, such as ``"bert"``.

    Returns:
        What the installed transformers builds and runs when its configuration asks for it.

    Raises:
        UnsupportedArchitectureError: If there is no family of that name.

    Cost:
        A few tiny models, once a process.
    """
    for known in VIEWS:
        if known.about.name == family:
            return _stock_shapes(known)
    raise UnsupportedArchitectureError(
        "Could not look up the shapes of a family: there is none of that name.",
        got=f"family {family!r}",
        expected=f"one of {', '.join(known.about.name for known in VIEWS)}",
        fix="see `tinyglot ls architectures`",
    )


@cache
def _stock_shapes(family: type[EncoderView]) -> StockShapes:
    def can(expected: Mapping[str, Any], **fields: Any) -> bool:  # noqa: ANN401  (of a config)
        return _expresses(family, fields, expected)

    ffn = family.ffn_field
    return StockShapes(
        layers=can({"heads": (2, 2, 2)}, num_hidden_layers=3),
        ffn_size=can({"ffn": (5, 5)}, **{ffn: 5}),
        ffn_size_per_layer=can({"ffn": (5, 6)}, per_layer_config={0: {ffn: 5}}),
        hidden_size=can({"hidden_size": 4, "heads": (1, 1)}, hidden_size=4, num_attention_heads=1),
        num_heads=any(
            can({"hidden_size": 8, "heads": (1, 1)}, num_attention_heads=1, **{field: 4})
            for field in _HEAD_DIM_FIELDS
        ),
        num_heads_per_layer=any(
            can({"heads": (1, 2)}, per_layer_config={0: {"num_attention_heads": 1}}, **{field: 4})
            for field in _HEAD_DIM_FIELDS
        ),
        embedding_size=can({"embedding_size": 4, "hidden_size": 8}, embedding_size=4),
        vocabulary_size=can({"vocabulary_size": 5}, vocab_size=5),
    )


def _expresses(
    family: type[EncoderView], fields: dict[str, Any], expected: Mapping[str, Any]
) -> bool:
    """Build a tiny model with these fields; see whether it runs and has the expected sizes."""
    config_class = CONFIG_MAPPING[family.about.model_types[0]]
    fields = {**_TINY, family.ffn_field: 6, **fields}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model = AutoModel.from_config(config_class(**fields)).eval()
            model(torch.tensor([[1, 2, 3]]), torch.ones(1, 3, dtype=torch.long))
            shape = Shape.of(model)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return False
    found = {name: getattr(shape, name) for name in expected}
    return shape.head_dim == 4 and found == expected


# --- the nearest shape -------------------------------------------------------------------------


def nearest_stock_shape(model: PreTrainedModel, request: Shape) -> StockProjection:
    """Find the smallest shape of an ordinary model that holds all that is asked for.

    Filled up with zeros, a model in the requested shape computes the same in the nearest one, as
    long as the hidden size is the same: see ``tinyglot.surgery.pad_to_stock``.

    Args:
        model: The model that is to be cut; not changed.
        request: What is to be left of it: ``Shape.of(model).change(ffn=...)``.

    Returns:
        Both shapes and their parameters, head of the model included.

    Raises:
        StructureRangeError: If more is asked for than the model has, or an empty layer.
    """
    encoder = view(model)
    _check(Shape.of(model), request)
    nearest = _nearest(_stock_shapes(type(encoder)), request)
    if encoder.embedding_size == encoder.hidden_size:
        request = request.change(embedding_size=request.hidden_size)
        nearest = nearest.change(embedding_size=nearest.hidden_size)
    return StockProjection(
        request, nearest, count_in_shape(encoder, request), count_in_shape(encoder, nearest)
    )


def _nearest(stock: StockShapes, request: Shape) -> Shape:
    layers, widest = len(request.heads), max(request.heads)
    ffn = request.ffn if stock.ffn_size_per_layer else (max(request.ffn),) * layers
    if stock.num_heads_per_layer:
        return request.change(ffn=ffn)
    if stock.num_heads:
        return request.change(ffn=ffn, heads=(widest,) * layers)
    heads = max(widest, math.ceil(request.hidden_size / request.head_dim))
    return request.change(ffn=ffn, heads=(heads,) * layers, hidden_size=heads * request.head_dim)


def count_in_shape(encoder: EncoderView, shape: Shape) -> int:
    """Count the parameters that a model has after a cut, without cutting it.

    Args:
        encoder: The view of the model.
        shape: What is left of it; fewer layers are counted as its first ones.

    Returns:
        Distinct parameters, head included.
    """
    vocabulary = dict(encoder.vocabulary_tensors())
    axes = tensor_axes(encoder)
    counted = {}
    for name, parameter in encoder.model.named_parameters(remove_duplicate=False):
        if _layer_of(encoder, name) < len(shape.heads):
            sizes = [
                size if axis is None else axis_length(axis, shape)
                for axis, size in zip(axes[name], parameter.shape, strict=True)
            ]
            if name in vocabulary:
                sizes[vocabulary[name]] = shape.vocabulary_size
            counted[parameter] = math.prod(sizes)
    return sum(counted.values())


def axis_length(axis: Axis, shape: Shape) -> int:
    """Say how long a dimension is in a model of some shape.

    Args:
        axis: What it runs over.
        shape: The shape.

    Returns:
        Its entries, in all blocks.
    """
    if axis.kind == "heads":
        return shape.heads[axis.layer] * shape.head_dim * axis.blocks
    if axis.kind == "ffn":
        return shape.ffn[axis.layer] * axis.blocks
    return shape.hidden_size if axis.kind == "hidden" else shape.embedding_size


def _layer_of(encoder: EncoderView, name: str) -> int:
    """The layer that a parameter belongs to; -1 outside the layers."""
    found = re.search(rf"(^|\.){re.escape(encoder.layers_path)}\.(\d+)\.", name)
    return int(found[2]) if found else -1


def _check(available: Shape, request: Shape) -> None:
    num_layers = len(request.heads)
    sizes = [
        ("layers", num_layers, len(available.heads)),
        *(("heads in a layer", heads, max(available.heads)) for heads in request.heads),
        *(("neurons in a layer", neurons, max(available.ffn)) for neurons in request.ffn),
        ("hidden channels", request.hidden_size, available.hidden_size),
        ("token ids", request.vocabulary_size, available.vocabulary_size),
    ]
    wrong = [f"{wanted} {what}" for what, wanted, there in sizes if not 1 <= wanted <= there]
    if len(request.ffn) != num_layers:
        wrong.append(f"neurons of {len(request.ffn)} layers and heads of {num_layers}")
    if wrong:
        raise StructureRangeError(
            f"Could not project the shape: the model does not have it, {len(wrong)} mistake(s).",
            got=wrong[0] + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""),
            expected=f"1 to {len(available.heads)} layers, {max(available.heads)} heads and "
            f"{max(available.ffn)} neurons in each, {available.hidden_size} hidden channels, "
            f"{available.vocabulary_size} token ids",
            fix="ask for a part of this model",
        )
