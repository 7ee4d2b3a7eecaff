"""What a model's states look like on some text: moments, as sums over its tokens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.surgery import evaluation_mode

Batch = Mapping[str, Tensor]


def stream_moments(model: PreTrainedModel, batches: Sequence[Batch]) -> Tensor:
    """Add up the second moments of the residual stream, wherever a norm reads it.

    Every token counts alike at every norm: its state is centred over the channels and scaled to a
    variance of one, as the norm itself does. Where the norm's result is what the next part adds
    to, that result counts as well, centred and scaled in the same way.

    Args:
        model: A model of a supported family; a head is not run.
        batches: ``input_ids`` and ``attention_mask``; padding does not count.

    Returns:
        A matrix (hidden, hidden) in float64, divided by its trace; the all-ones vector is in its
        null space.
    """
    encoder = view(model)
    total = torch.zeros(encoder.hidden_size, encoder.hidden_size, dtype=torch.float64)

    def add(_: str, inputs: Tensor, outputs: Tensor) -> None:
        both = (inputs,) if encoder.norm_readers else (inputs, outputs)
        for states in both:
            normed = layer_norm(states.double(), states.shape[-1:])
            total.add_((normed.T @ normed).cpu())

    norms = {p: m for p, m in model.named_modules() if isinstance(m, nn.LayerNorm)}
    run_watched(encoder, batches, norms, add)
    return total / total.trace()


@dataclass(frozen=True, eq=False)
class HeadMoments:
    """Second moments of the channels of the heads of one layer, each (heads, size, size).

    Attributes:
        queries: Of the queries.
        keys: Of the keys.
        results: Of what the heads hand to the output matrix.
    """

    queries: Tensor
    keys: Tensor
    results: Tensor


def head_moments(model: PreTrainedModel, batches: Sequence[Batch]) -> list[HeadMoments]:
    """Add up the second moments of queries, keys and results of every head.

    Args:
        model: A model of a supported family without fused matrices.
        batches: As for `stream_moments`.

    Returns:
        One entry a layer, in float64.
    """
    encoder = view(model)
    sums: dict[str, Tensor] = {}

    def add(path: str, inputs: Tensor, outputs: Tensor) -> None:
        states = inputs if path.endswith(":results") else outputs
        heads = states.double().unflatten(-1, (-1, encoder.head_dim))
        moments = torch.einsum("nhc,nhd->hcd", heads, heads).cpu()
        sums[path] = sums[path] + moments if path in sums else moments

    places = {"queries": "query", "keys": "key", "results": "attention_output"}
    watched: dict[str, nn.Module] = {
        f"{layer}:{name}": roles[role]
        for layer, roles in enumerate(encoder.linear_modules())
        for name, role in places.items()
    }
    run_watched(encoder, batches, watched, add)
    layers = range(len(encoder.layers))
    return [HeadMoments(**{name: sums[f"{i}:{name}"] for name in places}) for i in layers]


def run_watched(
    encoder: EncoderView,
    batches: Sequence[Batch],
    modules: Mapping[str, nn.Module],
    add: Callable[[str, Tensor, Tensor], None],
) -> None:
    """Run an encoder, and report what enters and leaves some of its modules.

    Args:
        encoder: The view of the model.
        batches: ``input_ids`` and ``attention_mask``.
        modules: Those that are watched, by any name.
        add: Is given the name, inputs and outputs, (tokens, channels) without padding; not called
            where a module is run on anything but the tokens.
    """
    device = encoder.word_embeddings.weight.device
    with evaluation_mode(encoder.encoder):
        for batch in batches:
            mask = batch["attention_mask"].to(device)
            with _watched(modules, mask.bool(), add):
                encoder.encoder(batch["input_ids"].to(device), mask)


@contextmanager
def _watched(
    modules: Mapping[str, nn.Module], mask: Tensor, add: Callable[[str, Tensor, Tensor], None]
) -> Iterator[None]:
    handles = [m.register_forward_hook(_hook(path, mask, add)) for path, m in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(path: str, mask: Tensor, add: Callable[[str, Tensor, Tensor], None]) -> Any:  # noqa: ANN401
    def hook(_: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        if is_of_tokens(output, mask):
            add(path, args[0][mask], output[mask])

    return hook


def is_of_tokens(states: Tensor, mask: Tensor) -> bool:
    """Tell whether something has one row of channels for each token.

    Args:
        states: What enters or leaves a module.
        mask: Which positions are no padding, (batch, seq).

    Returns:
        Whether its shape is (batch, seq, channels).
    """
    return states.dim() == mask.dim() + 1 and states.shape[:-1] == mask.shape
