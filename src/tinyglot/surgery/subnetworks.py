"""Smaller models inside a model: the first heads, neurons and channels of some of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, EncoderView, tensor_axes, view
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.layers import keep_layers
from tinyglot.surgery.structures import Structures, keep_structures


@dataclass(frozen=True)
class SubnetworkShape:
    """The sizes of a smaller model inside a larger one.

    Heads and hidden channels go together: the smaller model has as many channels as its heads
    fill, which is what an ordinary configuration says.

    Attributes:
        layers: Layers that stay, from 0, increasing.
        num_heads: Heads of each of these layers: the first ones.
        ffn_size: Neurons of each of these layers: the first ones.
    """

    layers: tuple[int, ...]
    num_heads: int
    ffn_size: int

    @classmethod
    def of(cls, model: PreTrainedModel) -> "SubnetworkShape":
        """Describe a whole model.

        Args:
            model: A model whose layers are alike.

        Returns:
            Its own sizes.
        """
        encoder = view(model)
        layers = tuple(range(len(encoder.layers)))
        return cls(layers, min(encoder.num_heads), min(encoder.ffn_sizes))


class Cut(NamedTuple):
    """Where a tensor of a smaller model comes from.

    Attributes:
        name: The tensor of the larger model.
        narrowings: For each dimension that is cut: which, in how many blocks, and what stays of
            each block.
    """

    name: str
    narrowings: tuple[tuple[int, int, int], ...]

    def __call__(self, tensor: Tensor) -> Tensor:
        """Take the part that the smaller model has; the gradient flows back into the whole.

        Args:
            tensor: Of the larger model.

        Returns:
            A contiguous tensor, as a smaller model has it by itself, so that both compute the
            same bits.
        """
        part = tensor
        for dim, blocks, size in self.narrowings:
            part = part.unflatten(dim, (blocks, -1)).narrow(dim + 1, 0, size)
            part = part.flatten(dim, dim + 1)
        return part.contiguous()


def cut_to(model: PreTrainedModel, shape: SubnetworkShape) -> PreTrainedModel:
    """Copy the smaller model of a shape out of a larger one.

    Args:
        model: A model of a supported family, with or without a head. It is not changed.
        shape: What stays.

    Returns:
        A model of the same class, whose configuration says its sizes.

    Raises:
        LayerRangeError: If a layer is not in the model, or one is left out that must stay.
        StructureRangeError: If there are fewer heads or neurons, or none would stay.
    """
    shallow = keep_layers(model, shape.layers)
    layers = range(len(shape.layers))
    hidden = shape.num_heads * view(model).head_dim
    return keep_structures(
        shallow,
        Structures(
            heads=tuple(tuple(range(shape.num_heads)) for _ in layers),
            neurons=tuple(tuple(range(shape.ffn_size)) for _ in layers),
            hidden=tuple(range(hidden)),
        ),
    )


def cuts_of(whole: EncoderView, part: EncoderView, layers: tuple[int, ...]) -> dict[str, Cut]:
    """Say where each tensor of a smaller model comes from.

    Args:
        whole: The larger model; its tensors may be on the meta device.
        part: What `cut_to` made of it.
        layers: The layers that stayed.

    Returns:
        By each name of the smaller model's parameters and buffers, shared ones under all names.
    """
    axes = tensor_axes(whole)
    sizes = whole.named_tensors()
    cuts = {}
    for name, tensor in part.named_tensors().items():
        source = _name_in_whole(name, part, layers)
        dims = zip(sizes[source].shape, tensor.shape, strict=True)
        narrowings = tuple(
            _narrowing(dim, axes[source], after)
            for dim, (before, after) in enumerate(dims)
            if before != after
        )
        cuts[name] = Cut(source, narrowings)
    return cuts


def _narrowing(dim: int, axes: Axes, size: int) -> tuple[int, int, int]:
    axis = axes[dim]
    blocks = axis.blocks if axis else 1
    return dim, blocks, size // blocks


def _name_in_whole(name: str, part: EncoderView, layers: tuple[int, ...]) -> str:
    """Number a layer as in the larger model."""
    prefix = "" if part.encoder is part.model else part.model.base_model_prefix + "."
    start = f"{prefix}{part.layers_path}."
    if not name.startswith(start):
        return name
    index, _, rest = name.removeprefix(start).partition(".")
    return f"{start}{layers[int(index)]}.{rest}"


class _Skeleton(NamedTuple):
    module: PreTrainedModel
    cuts: dict[str, Cut]


class Subnetworks:
    """The smaller models inside a model, run on the tensors of the model itself.

    A smaller model is its own class and configuration without weights, called on parts of the
    model's parameters. So it is by construction what `cut_to` gives, and what it learns is
    learnt by the model.

    Args:
        model: A model of a supported family. It must not get other modules afterwards; values
            and order of its parameters may change.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._empty = without_values(model)
        self._skeletons: dict[SubnetworkShape, _Skeleton] = {}

    def __call__(self, shape: SubnetworkShape, inputs: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Run the smaller model of a shape; gradients go to the parameters of the whole.

        Args:
            shape: What of the model takes part.
            inputs: Keyword arguments of the model.

        Returns:
            What the smaller model gives.
        """
        module, cuts = self._skeleton(shape)
        module.train(self._model.training)
        self._share_hooks(module)
        tensors = view(self._model).named_tensors()
        parts: dict[int, Tensor] = {}  # tensors that are tied stay tied
        for cut in cuts.values():
            source = tensors[cut.name]
            if id(source) not in parts:
                parts[id(source)] = cut(source)
        given = {name: parts[id(tensors[cut.name])] for name, cut in cuts.items()}
        return torch.func.functional_call(module, given, (), dict(inputs))

    def _share_hooks(self, module: PreTrainedModel) -> None:
        """Let the smaller encoder end as the larger one does now, such as on some positions."""
        encoder = view(self._model).encoder
        if encoder is not self._model:
            vars(view(module).encoder)["_forward_hooks"] = encoder._forward_hooks

    def _skeleton(self, shape: SubnetworkShape) -> _Skeleton:
        if shape not in self._skeletons:
            module = cut_to(self._empty, shape)
            cuts = cuts_of(view(self._empty), view(module), shape.layers)
            self._skeletons[shape] = _Skeleton(module, cuts)
        return self._skeletons[shape]


def without_values(model: PreTrainedModel) -> PreTrainedModel:
    """Copy a model's modules and configuration on the meta device, without its values.

    Args:
        model: Any model of a supported family. It is not changed.

    Returns:
        A model that takes no memory. Wrappers around ``forward`` and hooks on the model itself,
        such as a Trainer's, are left off.
    """
    tensors = view(model).named_tensors().values()
    empty = copy_model(model, {tensor: _empty(tensor) for tensor in tensors})
    for name in ("forward", "_original_forward"):
        vars(empty).pop(name, None)
    for name, value in vars(empty).items():
        if name.endswith("_hooks") or "_hooks_" in name:
            value.clear()
    for module in empty.modules():
        # recomputed in the backward pass, it would no longer have the tensors it ran on
        if getattr(module, "gradient_checkpointing", False):
            vars(module)["gradient_checkpointing"] = False
    return empty


def _empty(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty
