"""Fitting a narrower model's norms and matrices to what the model it came from computes.

Both models run once over the same tokens. While the narrower one runs, each of its modules is
fitted in closed form just before it is used, on what really reaches it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from tinyglot.architectures import Axes, tensor_axes, view
from tinyglot.methods.width_reduction.statistics import Batch, is_of_tokens, run_watched
from tinyglot.surgery import evaluation_mode

#: added to the moments of the inputs, as a share of their mean: keeps a fit near its start
RIDGE = 0.01


@dataclass(frozen=True, eq=False)
class Recording:
    """What entered and left modules of a model, (tokens, channels) each.

    Attributes:
        inputs: By path.
        outputs: By path.
    """

    inputs: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)


def record(model: PreTrainedModel, batch: Batch) -> Recording:
    """Run a model's encoder, and keep what enters its matrices and leaves its norms.

    Args:
        model: A model of a supported family.
        batch: ``input_ids`` and ``attention_mask``.

    Returns:
        By path in the model: inputs of the matrices that read hidden channels, outputs of norms
        and of the matrices that write them.
    """
    found = Recording()
    axes = _weight_axes(model)

    def add(path: str, inputs: Tensor, outputs: Tensor) -> None:
        if _reads_stream(model, path, modules[path]) and _is_hidden(axes[path], -1):
            found.inputs[path] = inputs
        if _is_hidden(axes[path], 0):
            found.outputs[path] = outputs

    modules = {path: module for path, module in model.named_modules() if path in axes}
    run_watched(view(model), [batch], modules, add)
    return found


def reconstruct_(
    narrow: PreTrainedModel,
    wide: Mapping[str, Tensor],
    recording: Recording,
    projection: Tensor,
    batch: Batch,
) -> None:
    """Fit a narrower model in place, module by module in the order in which they run.

    A norm's gain and shift become those that bring its result nearest to the projection of the
    old norm's. A matrix that reads hidden channels is changed as little as needed to give what the
    old matrix gave (ridge regression of the difference), and so is one that writes into the
    stream, whose target also makes up for what the stream lacks by then.

    Args:
        narrow: What `project_hidden` made; changed.
        wide: Parameters of the model that it was made of, its heads narrowed or left out already.
        recording: What the whole model computes on the same tokens.
        projection: That of `project_hidden`.
        batch: The tokens.
    """
    mask = batch["attention_mask"].to(narrow.device).bool()
    fit = _Fit(narrow, wide, recording, projection.to(narrow.device), mask)
    handles = fit.watch()
    try:
        with evaluation_mode(view(narrow).encoder):
            view(narrow).encoder(batch["input_ids"].to(narrow.device), mask.long())
    finally:
        for handle in handles:
            handle.remove()


class _Fit:
    """One run of the narrower model."""

    def __init__(
        self,
        narrow: PreTrainedModel,
        wide: Mapping[str, Tensor],
        recording: Recording,
        projection: Tensor,
        mask: Tensor,
    ) -> None:
        self._model = narrow
        self._wide = wide
        self._recording = recording
        self._projection = projection
        self._mask = mask
        self._axes = _weight_axes(narrow)
        self._lack: Tensor | float = 0.0

    def watch(self) -> list[RemovableHandle]:
        handles = []
        for path, module in self._model.named_modules():
            if isinstance(module, nn.LayerNorm):
                handles.append(module.register_forward_hook(self._norm_hook(path)))
            elif path in self._axes:
                handles.append(module.register_forward_pre_hook(self._matrix_hook(path)))
        return handles

    def _norm_hook(self, path: str) -> Any:  # noqa: ANN401  (torch's own hook type)
        def hook(module: nn.LayerNorm, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
            if not is_of_tokens(output, self._mask):
                return output
            target = self._recording.outputs[path].double() @ self._projection.T
            shape = module.normalized_shape
            states = layer_norm(args[0], shape, eps=module.eps)
            _fit_norm_(module, states[self._mask].double(), target)
            fitted: Tensor = layer_norm(args[0], shape, module.weight, module.bias, module.eps)
            self._lack = self._lack_at(path, target, args[0], fitted)
            return fitted

        return hook

    def _lack_at(self, path: str, target: Tensor, states: Tensor, result: Tensor) -> Tensor:
        """Say what the stream lacks: what a norm reads, or gives where that is the stream."""
        stream = self._recording.inputs.get(path)
        if stream is None:
            return target - result[self._mask].double()
        return stream.double() @ self._projection.T - states[self._mask].double()

    def _matrix_hook(self, path: str) -> Any:  # noqa: ANN401  (torch's own hook type)
        def hook(module: nn.Linear, args: tuple[Tensor, ...]) -> None:
            target = self._target(path)
            if target is not None and is_of_tokens(args[0], self._mask):
                _fit_matrix_(module, _precise(args[0][self._mask]), target)

        return hook

    def _target(self, path: str) -> Tensor | None:
        """Say what a matrix should give; None where nothing was recorded."""
        if _is_hidden(self._axes[path], 0):
            outputs = self._recording.outputs.get(path)
            return None if outputs is None else outputs.double() @ self._projection.T + self._lack
        inputs = self._recording.inputs.get(path)
        if inputs is None:
            return None
        bias = self._wide.get(f"{path}.bias")
        inputs = _precise(inputs)
        weight = self._wide[f"{path}.weight"].to(inputs.dtype)
        return linear(inputs, weight, None if bias is None else bias.to(inputs.dtype))


def _fit_norm_(norm: nn.LayerNorm, states: Tensor, target: Tensor) -> None:
    """Fit gain and shift of each channel by least squares."""
    if norm.bias is None:
        norm.weight.copy_((states * target).sum(0) / states.square().sum(0))
        return
    means, target_means = states.mean(0), target.mean(0)
    centred = states - means
    gains = (centred * (target - target_means)).sum(0) / centred.square().sum(0)
    norm.weight.copy_(gains)
    norm.bias.copy_(target_means - gains * means)


def _fit_matrix_(matrix: nn.Linear, inputs: Tensor, target: Tensor) -> None:
    """Add to a matrix the ridge regression of what it lacks, and to its bias the mean."""
    weight = matrix.weight.to(inputs.dtype)
    lack = target.to(inputs.dtype) - inputs @ weight.T
    means, lack_means = inputs.mean(0), lack.mean(0)
    if matrix.bias is None:
        means, lack_means = torch.zeros_like(means), torch.zeros_like(lack_means)
    centred = inputs - means
    # sums over tokens in the model's precision, which is what takes time; the solution in float64
    moments = (centred.T @ centred).double()
    moments.diagonal().add_(RIDGE * moments.diagonal().mean())
    change = torch.linalg.solve(moments, (centred.T @ (lack - lack_means)).double()).T
    matrix.weight.copy_(weight + change)
    if matrix.bias is not None:
        matrix.bias.copy_(lack_means - change @ means.double())


def _precise(values: Tensor) -> Tensor:
    """Give values in float32 at least."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _weight_axes(model: PreTrainedModel) -> dict[str, Axes]:
    """What the dimensions of the weights of norms and matrices run over, by path."""
    axes = tensor_axes(view(model))
    return {
        path: axes[f"{path}.weight"]
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.LayerNorm)
    }


def _reads_stream(model: PreTrainedModel, path: str, module: nn.Module) -> bool:
    """Tell whether a module is a matrix, or a norm whose result nothing is added to."""
    return isinstance(module, nn.Linear) or path.rpartition(".")[2] in view(model).norm_readers


def _is_hidden(axes: Axes, dim: int) -> bool:
    axis = axes[dim]
    return axis is not None and axis.kind == "hidden"
