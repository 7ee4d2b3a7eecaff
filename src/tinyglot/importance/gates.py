"""Gates on heads, neurons, layers and hidden channels: 1 for whole, 0 for gone.

transformers 5 ignores ``head_mask``, so these gates are hooks of our own. They scale what a head or
a neuron hands to the matrix behind it, which is the same place in every family.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view


@dataclass(frozen=True, eq=False)
class Gates:
    """Factors of a model's structures, each tensor of shape (units,) or (batch, units).

    With a batch dimension every sequence has gates of its own, so that one backward pass gives the
    gradient of each sequence's loss.

    Attributes:
        heads: One tensor a layer, ``heads`` units each; empty to leave heads alone.
        neurons: One tensor a layer, ``ffn`` units each; empty to leave neurons alone.
        layers: One tensor a layer with one unit: 0 makes a layer the identity; empty to leave
            layers alone.
        hidden: One tensor with a unit for each channel of the residual stream, which scales what
            enters the first layer and leaves every layer; empty to leave channels alone.
    """

    heads: Sequence[Tensor] = ()
    neurons: Sequence[Tensor] = ()
    layers: Sequence[Tensor] = ()
    hidden: Sequence[Tensor] = ()

    @classmethod
    def ones(cls, model: PreTrainedModel, batch: int | None = None) -> "Gates":
        """Make gates that change nothing and take gradients.

        Args:
            model: The model to gate.
            batch: Sequences that get gates of their own; default: all share theirs.

        Returns:
            Ones for heads, neurons, layers and hidden channels, in the model's type and on its
            device.
        """
        encoder = view(model)
        shape = () if batch is None else (batch,)

        def ones(counts: Sequence[int]) -> list[Tensor]:
            like = encoder.word_embeddings.weight
            return [like.new_ones((*shape, count), requires_grad=True) for count in counts]

        return cls(
            ones(encoder.num_heads),
            ones(encoder.ffn_sizes),
            ones([1] * len(encoder.layers)),
            ones([encoder.hidden_size]),
        )

    def tensors(self) -> list[Tensor]:
        """List all gates.

        Returns:
            Those of heads, then of neurons, then of layers, from bottom to top; then of channels.
        """
        return [*self.heads, *self.neurons, *self.layers, *self.hidden]


@contextmanager
def gated(model: PreTrainedModel, gates: Gates) -> Iterator[None]:
    """Scale a model's heads, neurons, layers and hidden channels while the block runs.

    Args:
        model: A model of a supported family; its weights are not touched.
        gates: One tensor a layer for each kind that is gated, in whatever precision; what they
            scale keeps its own.

    Yields:
        Nothing.
    """
    encoder = view(model)
    with ExitStack() as stack:
        for handle in _hooks(encoder, gates):
            stack.callback(handle.remove)
        yield


def _hooks(encoder: EncoderView, gates: Gates) -> Iterator[RemovableHandle]:
    roles = encoder.linear_modules()
    for layer, gate in enumerate(gates.heads):
        yield roles[layer]["attention_output"].register_forward_pre_hook(_scale_inputs(gate))
    for layer, gate in enumerate(gates.neurons):
        yield roles[layer]["ffn_out"].register_forward_pre_hook(_scale_inputs(gate))
    for layer, gate in enumerate(gates.layers):
        yield encoder.layers[layer].register_forward_hook(_scale_update(gate), with_kwargs=True)
    for gate in gates.hidden:
        first = encoder.layers[0]
        yield first.register_forward_pre_hook(_scale_states_in(gate), with_kwargs=True)
        for each in encoder.layers:
            yield each.register_forward_hook(_scale_states_out(gate))


def _scale_inputs(gate: Tensor) -> Any:  # noqa: ANN401  (torch's own hook type)
    def scale(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        inputs = args[0].unflatten(-1, (gate.shape[-1], -1))
        return (_scaled(inputs, _over_positions(gate)[..., None]).flatten(-2),)

    return scale


def _scale_update(gate: Tensor) -> Any:  # noqa: ANN401  (torch's own hook type)
    def scale(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:  # noqa: ANN401
        before = args[0] if args else kwargs["hidden_states"]
        after = output[0] if isinstance(output, tuple) else output
        scaled = torch.lerp(before, after, _over_positions(gate).to(after.dtype))
        return (scaled, *output[1:]) if isinstance(output, tuple) else scaled

    return scale


def _scale_states_in(gate: Tensor) -> Any:  # noqa: ANN401  (torch's own hook type)
    def scale(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        if args:
            return (_scaled(args[0], _over_positions(gate)), *args[1:]), kwargs
        states = _scaled(kwargs["hidden_states"], _over_positions(gate))
        return args, kwargs | {"hidden_states": states}

    return scale


def _scale_states_out(gate: Tensor) -> Any:  # noqa: ANN401  (torch's own hook type)
    def scale(_: nn.Module, args: tuple[Any, ...], output: Any) -> Any:  # noqa: ANN401
        del args
        if isinstance(output, tuple):
            return (_scaled(output[0], _over_positions(gate)), *output[1:])
        return _scaled(output, _over_positions(gate))

    return scale


def _scaled(states: Tensor, factors: Tensor) -> Tensor:
    """Scale in the wider of both types, and go on in that of the states."""
    return (states * factors).to(states.dtype)


def _over_positions(gate: Tensor) -> Tensor:
    """Make room for the positions between a batch dimension and the units."""
    return gate[:, None] if gate.dim() > 1 else gate
