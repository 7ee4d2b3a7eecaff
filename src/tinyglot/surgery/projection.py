"""Carrying another basis of the hidden channels through a whole model."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, Axis, view
from tinyglot.surgery.copies import copy_model
from tinyglot.surgery.width import with_tensors


@torch.no_grad()
def project_hidden(
    model: PreTrainedModel, projection: Tensor, norm_scale: float = 1.0
) -> PreTrainedModel:
    """Copy a model whose channel i is the combination ``projection[i]`` of the old ones.

    What writes into the residual stream is multiplied by the projection R, what reads from it by
    its transpose: W becomes R W, W R', or R W R' where both sides are hidden channels (heads of
    tasks); word, position and type embeddings E become E R'. A norm multiplies each channel alone,
    so its gain can only follow as far as R keeps channels apart: channel i gets the mean of the
    old gains, weighted by ``projection[i]`` squared. Shifts become R b.

    So the result computes R times the old states, exactly, where R is a rotation that keeps the
    all-ones vector (a norm then sees the same mean and variance) and every gain is the same for
    all channels; `absorb_norm_gains` makes it so in layers that normalise what they read. A
    permutation is exact for any gains.

    Args:
        model: A model of a supported family. It is not modified.
        projection: Shape (new width, old width), with orthonormal rows; the new width is a
            multiple of the head size, unless heads were narrowed before.
        norm_scale: Factor of all gains: a norm divides by the deviation over the channels that are
            left, of which rotated ones have more each than the old.

    Returns:
        The new model.
    """
    gain_names = {
        f"{path}.weight" for path, module in _norms(model) if isinstance(module, nn.LayerNorm)
    }

    def change(name: str, parameter: nn.Parameter, axes: Axes) -> Tensor:
        matrix = projection.to(parameter.device)
        # the norm of a narrower embedding has no hidden channels
        if name in gain_names and axes == (Axis("hidden"),):
            gains: Tensor = norm_scale * (matrix.square() @ parameter.detach().to(matrix.dtype))
            return gains
        return _projected(parameter.detach(), axes, matrix)

    return with_tensors(model, change)


@torch.no_grad()
def absorb_norm_gains(model: PreTrainedModel) -> PreTrainedModel:
    """Copy a model, moving the gains of norms into the matrices that alone read what they give.

    The new model computes the same, and those of its norms have gains of one. That can be done
    where a layer normalises what it reads (ModernBERT); in other families, where the norm's
    result is also what the next part adds to, nothing changes.

    Args:
        model: A model of a supported family. It is not modified.

    Returns:
        The new model. The hidden states that it hands to its head are those before the gain of the
        last norm, if a dense layer of the head reads them.
    """
    new = copy_model(model)
    encoder = view(new)
    for layer in encoder.layers:
        for norm, reader in encoder.norm_readers.items():
            _absorb_(_found(layer, norm), _found(layer, reader))
    if encoder.norm_readers:
        _absorb_(_found(new, "model.final_norm"), _found(new, "head.dense"))
    return new


def _absorb_(norm: nn.Module | None, reader: nn.Module | None) -> None:
    """Multiply the columns of what reads by the gains; not where a norm adds a shift."""
    if isinstance(norm, nn.LayerNorm) and norm.bias is None and isinstance(reader, nn.Linear):
        reader.weight.mul_(norm.weight)
        norm.weight.fill_(1.0)


def _found(root: nn.Module, path: str) -> nn.Module | None:
    return dict(root.named_modules()).get(path)


def _norms(model: PreTrainedModel) -> list[tuple[str, nn.Module]]:
    named = model.named_modules(remove_duplicate=False)
    return [(path, module) for path, module in named if isinstance(module, nn.LayerNorm)]


def _projected(values: Tensor, axes: Axes, matrix: Tensor) -> Tensor:
    found = values.to(matrix.dtype)
    for dim, axis in enumerate(axes):
        if axis is not None and axis.kind == "hidden":
            found = torch.tensordot(found, matrix, dims=([dim], [1])).movedim(-1, dim)
    return found
