"""Equal cuts: the sizes at which a part has lost a wanted number of parameters, and the cut."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, tensor_axes, view
from tinyglot.errors import StudyError
from tinyglot.studies.shapes.grid import Part
from tinyglot.surgery import gather_vocabulary, keep_layers, needed_token_ids
from tinyglot.surgery.counts import ParameterCounts
from tinyglot.surgery.structures import Structures, keep_structures

_FFN_STEP = 8
_VOCABULARY_STEP = 64


@dataclass(frozen=True)
class Sizes:
    """The sizes of a model whose layers are alike.

    Attributes:
        layers: Number of layers.
        heads: Heads a layer.
        ffn: Neurons a layer.
        hidden: Channels of the residual stream.
        vocabulary: Token ids.
    """

    layers: int
    heads: int
    ffn: int
    hidden: int
    vocabulary: int

    @classmethod
    def of(cls, model: PreTrainedModel) -> Self:
        """Read the sizes of a model.

        Args:
            model: A model of a supported family.

        Returns:
            Its sizes.

        Raises:
            StudyError: If its layers differ, or its heads do not fill the hidden size.
        """
        encoder = view(model)
        fills = {encoder.hidden_size // encoder.head_dim}
        if {*encoder.num_heads} != fills or len({*encoder.ffn_sizes}) > 1:
            raise StudyError(
                "Could not cut the model: its layers differ from each other.",
                got=f"{encoder.num_heads} heads, {encoder.ffn_sizes} neurons",
                expected="a model whose layers are alike and whose heads fill the hidden size",
                fix="begin with the model that it was cut from",
            )
        return cls(
            len(encoder.layers),
            encoder.num_heads[0],
            encoder.ffn_sizes[0],
            encoder.hidden_size,
            encoder.num_token_ids,
        )


class Cutter:
    """Finds and makes the cuts of one model.

    Args:
        model: A model of a supported family, with or without a head; not changed.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.sizes = Sizes.of(model)
        self._encoder = view(model)
        self._costs = list(_costs(self._encoder))

    def count(self, sizes: Sizes) -> ParameterCounts:
        """Count the parameters that the model has at some sizes.

        Args:
            sizes: At most those of the model.

        Returns:
            All parameters, and those with a vocabulary axis; tied ones once.
        """
        lengths = {**vars(sizes), "heads": sizes.heads * self._encoder.head_dim}
        counts = [
            (cost.of(lengths), "vocabulary" in cost.kinds)
            for cost in self._costs
            if cost.layer < sizes.layers
        ]
        embeddings = sum(count for count, is_embedding in counts if is_embedding)
        return ParameterCounts(sum(count for count, _ in counts), embeddings)

    def plan(self, part: Part, removed: float, tolerance: float) -> Sizes | None:
        """Find the sizes at which a part has lost a share of all parameters.

        Args:
            part: What is made smaller.
            removed: The share, between 0 and 1.
            tolerance: Most difference from it, as a share of it.

        Returns:
            The sizes; ``None`` if the part cannot lose this many, or only in larger steps.
        """
        candidates = _candidates(part, self.sizes, self._encoder.head_dim)
        if not candidates:
            return None
        total = self.count(self.sizes).num_parameters
        place = bisect_left(candidates, removed * total, key=lambda one: total - self._total(one))
        near = candidates[max(place - 1, 0) : place + 1]
        best = min(near, key=lambda one: abs(total - self._total(one) - removed * total))
        difference = (total - self._total(best)) / total / removed - 1
        return best if abs(difference) <= tolerance else None

    def cut(self, sizes: Sizes) -> PreTrainedModel:
        """Cut the model to some sizes: the first of its layers, heads, neurons and channels stay.

        Nothing asks which of them matter, since only the shape is measured.

        Args:
            sizes: At most those of the model.

        Returns:
            A new model.
        """
        model = self.model
        if sizes.vocabulary < self.sizes.vocabulary:
            kept = sorted({*range(sizes.vocabulary), *needed_token_ids(model)})
            model = gather_vocabulary(model, torch.tensor(kept))
        if sizes.layers < self.sizes.layers:
            model = keep_layers(model, range(sizes.layers))
        whole = Structures.of(model)
        heads = tuple(tuple(range(sizes.heads)) for _ in whole.heads)
        neurons = tuple(tuple(range(sizes.ffn)) for _ in whole.neurons)
        return keep_structures(model, Structures(heads, neurons, tuple(range(sizes.hidden))))

    def _total(self, sizes: Sizes) -> int:
        return self.count(sizes).num_parameters


def _candidates(part: Part, whole: Sizes, head_dim: int) -> Sequence[Sizes]:
    """List what a part can be cut to, the largest first."""
    listed: dict[Part, Callable[[], list[Sizes]]] = {
        Part.heads: lambda: [replace(whole, heads=n) for n in _down(whole.heads)],
        Part.ffn: lambda: [replace(whole, ffn=n) for n in _down(whole.ffn, _FFN_STEP)],
        Part.heads_and_ffn: lambda: [
            replace(whole, heads=n, ffn=_rounded(whole.ffn * n / whole.heads, _FFN_STEP))
            for n in _down(whole.heads)
        ],
        Part.layers: lambda: [replace(whole, layers=n) for n in _down(whole.layers)],
        Part.width: lambda: [
            replace(whole, heads=n, hidden=n * head_dim) for n in _down(whole.heads)
        ],
        Part.vocabulary: lambda: [
            replace(whole, vocabulary=n) for n in _down(whole.vocabulary, _VOCABULARY_STEP)
        ],
    }
    return listed[part]()


def _down(size: int, step: int = 1) -> range:
    return range((size - 1) // step * step, 0, -step)


def _rounded(size: float, step: int) -> int:
    return max(step, round(size / step) * step)


@dataclass(frozen=True)
class _Cost:
    """One parameter: its fixed dimensions, and what the others run over, fused ones with blocks."""

    fixed: int
    kinds: tuple[str, ...]
    layer: int

    def of(self, lengths: Mapping[str, int]) -> int:
        return self.fixed * math.prod(lengths[kind] for kind in self.kinds)


def _costs(encoder: EncoderView) -> Iterator[_Cost]:
    """Describe every parameter, tied ones once."""
    layer_of = {
        parameter: index
        for index, layer in enumerate(encoder.layers)
        for parameter in layer.parameters()
    }
    axes, vocabulary = tensor_axes(encoder), dict(encoder.vocabulary_tensors())
    for name, parameter in encoder.model.named_parameters():
        dims = list(zip(axes[name], parameter.shape, strict=True))
        if name in vocabulary:
            del dims[vocabulary[name]]
        moving = [axis for axis, _ in dims if axis is not None and axis.kind != "embedding"]
        still = [size for axis, size in dims if axis is None or axis.kind == "embedding"]
        fixed = math.prod([*still, *(axis.blocks for axis in moving)])
        kinds = [*(axis.kind for axis in moving), *(["vocabulary"] if name in vocabulary else [])]
        yield _Cost(fixed, tuple(kinds), layer_of.get(parameter, -1))
