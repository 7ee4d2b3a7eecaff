"""Making a model do without its gates: in its weights, and then by taking units out."""

from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.importance import Gates, Kept
from tinyglot.surgery import Structures, keep_structures
from tinyglot.training.gating.options import Kind


@torch.no_grad()
def absorb_gates_(model: PreTrainedModel, gates: Gates) -> None:
    """Multiply gates into the matrices behind them, so that the model does without.

    Args:
        model: A model of a supported family; changed in place.
        gates: Of heads and neurons, without a batch dimension.
    """
    encoder = view(model)
    roles = encoder.linear_modules()
    for layer, gate in enumerate(gates.heads):
        weight = roles[layer]["attention_output"].weight
        weight.mul_(gate.to(weight).repeat_interleave(encoder.head_dim))
    for layer, gate in enumerate(gates.neurons):
        weight = roles[layer]["ffn_out"].weight
        weight.mul_(gate.to(weight))


def keep_units(model: PreTrainedModel, kept: Mapping[Kind, Kept]) -> PreTrainedModel:
    """Copy a model with some of its heads and neurons.

    Args:
        model: A model of a supported family. It is not changed.
        kept: By kind, the units of each layer that stay; all of a kind that is not named.

    Returns:
        The smaller model.
    """
    return keep_structures(
        model, Structures.of(model).keep(**{str(kind): units for kind, units in kept.items()})
    )
