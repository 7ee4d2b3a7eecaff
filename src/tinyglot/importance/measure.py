"""Measuring how much heads, neurons, layers and hidden channels matter."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, tensor_axes, view
from tinyglot.errors import MissingInputError
from tinyglot.importance.gates import Gates, gated
from tinyglot.importance.losses import IGNORED_LABEL, Loss, sequence_losses
from tinyglot.importance.value import Importance
from tinyglot.surgery import evaluation_mode

Scorer = Literal["taylor", "activation", "magnitude", "random"]
#: what needs data: the others look at the weights alone, or at nothing
DATA_SCORERS = ("taylor", "activation")
Batch = Mapping[str, Tensor]


def measure_importance(
    model: PreTrainedModel,
    batches: Iterable[Batch],
    scorer: Scorer,
    loss: Loss = "labels",
    seed: int = 0,
) -> Importance:
    """Measure how much each head, neuron, layer and hidden channel of a model matters.

    ``taylor``: the mean over sequences of the absolute gradient of the sequence's loss with
    respect to a gate at 1, which is to first order what the loss changes by without the unit. By
    ``labels``, sequences without any label do not count.
    ``activation``: the mean over tokens of the norm of what a head or neuron hands on, of what a
    layer adds, and of a channel between the layers. ``magnitude``: norms of weights: of a head's
    columns of the output matrix, of a neuron's weights in times its weights out, of all matrices of
    a layer, of all weights of a channel. ``random``: drawn evenly from 0 to 1, as a control.

    The model runs as in evaluation, on the device where it is, and is left as it was.

    Args:
        model: A model of a supported family.
        batches: ``input_ids``, ``attention_mask``, ``labels`` where the loss needs them, and other
            inputs of the model; not looked at by ``magnitude`` and ``random``.
        scorer: What measures.
        loss: What ``taylor`` takes the gradient of; see ``tinyglot.importance.losses``.
        seed: Of ``random``, and of what ``logits`` and ``hidden_states`` draw.

    Returns:
        The importance, in float64 on the CPU.

    Raises:
        MissingInputError: If the scorer needs data and there are none, or labels or a head are
            missing that the loss needs.

    Cost:
        ``taylor``: a forward and a backward pass over the data, and a gate for every unit and
        sequence; ``logits`` of a masked-LM model look at the whole vocabulary at every position.

    Randomness:
        A generator of its own, seeded with ``seed``.

    References:
        Michel et al. (2019), arXiv 1905.10650, section 4.1.
    """
    encoder = view(model)
    generator = torch.Generator().manual_seed(seed)
    if scorer == "magnitude":
        return _magnitudes(encoder)
    if scorer == "random":
        return _random(encoder, generator)
    sums = _Sums(encoder)
    with evaluation_mode(model):
        for batch in batches:
            inputs = {name: value.to(model.device) for name, value in batch.items()}
            labels = inputs.pop("labels", None)
            if scorer == "taylor":
                _add_gradients(sums, model, inputs, labels, loss, generator)
            else:
                _add_activations(sums, encoder, inputs)
    return sums.importance(scorer)


def widest(values: Tensor) -> Tensor:
    """Give values in the most precise type of their device: MPS has no float64.

    Args:
        values: Of any floating type.

    Returns:
        The same in float64, or in float32.
    """
    return values.float() if values.device.type == "mps" else values.double()


class _Sums:
    """Running sums of every unit's values, and of what they are sums over."""

    def __init__(self, encoder: EncoderView) -> None:
        shapes = Gates.ones(encoder.model)
        self.kinds = {
            kind: [
                torch.zeros(each.shape[-1], dtype=torch.float64) for each in getattr(shapes, kind)
            ]
            for kind in ("heads", "neurons", "layers", "hidden")
        }
        self.count = 0

    def add(self, kind: str, index: int, values: Tensor) -> None:
        """Add values of shape (..., units)."""
        self.kinds[kind][index] += widest(values.detach()).flatten(0, -2).sum(0).cpu()

    def importance(self, scorer: str) -> Importance:
        if not self.count:
            raise MissingInputError(
                "Could not measure importance: there are no data to measure it on.",
                got=f"no labelled sequence for the scorer {scorer}",
                expected="at least one",
                fix="give data, or use scorer: magnitude, which needs none",
            )
        means = {k: tuple(each / self.count for each in v) for k, v in self.kinds.items()}
        return Importance(
            scorer,
            means["heads"],
            means["neurons"],
            torch.cat(means["layers"]),
            means["hidden"][0],
        )


# --- taylor -------------------------------------------------------------------------------------


def _add_gradients(
    sums: _Sums,
    model: PreTrainedModel,
    inputs: dict[str, Tensor],
    labels: Tensor | None,
    loss: Loss,
    generator: torch.Generator,
) -> None:
    gates = Gates.ones(model, batch=len(inputs["input_ids"]))
    with torch.enable_grad(), gated(model, gates):
        total = sequence_losses(model, inputs, labels, loss, generator).sum()
    gradients = iter(torch.autograd.grad(total, gates.tensors()))
    for kind in ("heads", "neurons", "layers", "hidden"):
        for index in range(len(getattr(gates, kind))):
            sums.add(kind, index, next(gradients).abs())
    sums.count += _num_measured(inputs, labels, loss)


def _num_measured(inputs: dict[str, Tensor], labels: Tensor | None, loss: Loss) -> int:
    """Count the sequences that have a loss: by labels, those with a label."""
    if loss != "labels" or labels is None:
        return len(inputs["input_ids"])
    return int(labels.reshape(len(labels), -1).ne(IGNORED_LABEL).any(1).sum())


# --- activation ---------------------------------------------------------------------------------


def _add_activations(sums: _Sums, encoder: EncoderView, inputs: dict[str, Tensor]) -> None:
    mask = inputs["attention_mask"].bool()

    def add(kind: str, index: int, values: Tensor) -> None:
        sums.add(kind, index, values[mask])

    names = ("input_ids", "attention_mask", "token_type_ids")
    with _watched(encoder, add):
        encoder.encoder(**{name: inputs[name] for name in names if name in inputs})
    sums.count += int(mask.sum())


@contextmanager
def _watched(encoder: EncoderView, add: Callable[[str, int, Tensor], None]) -> Iterator[None]:
    """Report the norm of every unit's values while the block runs."""
    handles = []
    for layer, roles in enumerate(encoder.linear_modules()):
        heads, neurons = _heads_hook(layer, encoder.head_dim, add), _neurons_hook(layer, add)
        handles += [
            roles["attention_output"].register_forward_pre_hook(heads),
            roles["ffn_out"].register_forward_pre_hook(neurons),
            encoder.layers[layer].register_forward_hook(_layer_hook(layer, add), with_kwargs=True),
        ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _heads_hook(layer: int, head_dim: int, add: Callable[[str, int, Tensor], None]) -> Any:  # noqa: ANN401
    def hook(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        add("heads", layer, args[0].unflatten(-1, (-1, head_dim)).norm(dim=-1))

    return hook


def _neurons_hook(layer: int, add: Callable[[str, int, Tensor], None]) -> Any:  # noqa: ANN401
    def hook(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        add("neurons", layer, args[0].abs())

    return hook


def _layer_hook(layer: int, add: Callable[[str, int, Tensor], None]) -> Any:  # noqa: ANN401
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:  # noqa: ANN401
        before = args[0] if args else kwargs["hidden_states"]
        after = output[0] if isinstance(output, tuple) else output
        add("layers", layer, (after - before).norm(dim=-1, keepdim=True))
        add("hidden", 0, after.abs())

    return hook


# --- without data -------------------------------------------------------------------------------


def _magnitudes(encoder: EncoderView) -> Importance:
    roles = [
        {role: module.weight.detach().cpu().double() for role, module in layer.items()}
        for layer in encoder.linear_modules()
    ]
    return Importance(
        "magnitude",
        tuple(
            each["attention_output"].unflatten(1, (-1, encoder.head_dim)).norm(dim=(0, 2))
            for each in roles
        ),
        tuple(_neuron_magnitudes(each["ffn_in"], each["ffn_out"]) for each in roles),
        torch.stack([_norm_of_all(list(each.values())) for each in roles]),
        _hidden_magnitudes(encoder),
    )


def _neuron_magnitudes(weights_in: Tensor, weights_out: Tensor) -> Tensor:
    """Norm of what goes in, over both blocks of a gated unit, times norm of what goes out."""
    blocks = weights_in.unflatten(0, (-1, weights_out.shape[1]))
    product: Tensor = blocks.norm(dim=(0, 2)) * weights_out.norm(dim=0)
    return product


def _norm_of_all(weights: Sequence[Tensor]) -> Tensor:
    norm: Tensor = torch.stack([weight.norm() for weight in weights]).norm()
    return norm


def _hidden_magnitudes(encoder: EncoderView) -> Tensor:
    squares = torch.zeros(encoder.hidden_size, dtype=torch.float64)
    axes = tensor_axes(encoder)
    for name, parameter in encoder.encoder.named_parameters():
        full = name if encoder.encoder is encoder.model else _full_name(encoder, name)
        for dim, axis in enumerate(axes[full]):
            if axis is not None and axis.kind == "hidden":
                values = parameter.detach().cpu().double().square().movedim(dim, -1)
                squares += values.reshape(-1, encoder.hidden_size).sum(0)
    return squares.sqrt()


def _full_name(encoder: EncoderView, name: str) -> str:
    return f"{encoder.model.base_model_prefix}.{name}"


def _random(encoder: EncoderView, generator: torch.Generator) -> Importance:
    def draw(count: int) -> Tensor:
        return torch.rand(count, generator=generator, dtype=torch.float64)

    return Importance(
        "random",
        tuple(map(draw, encoder.num_heads)),
        tuple(map(draw, encoder.ffn_sizes)),
        draw(len(encoder.layers)),
        draw(encoder.hidden_size),
    )
