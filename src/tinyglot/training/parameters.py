"""Which parameters decay, and at which rate each is trained; usable in any Trainer."""

from typing import Any

from torch import nn
from transformers import PreTrainedModel


def decayed_parameter_names(model: nn.Module) -> list[str]:
    """List the parameters that AdamW may decay: matrices that are no embedding.

    A decayed embedding row shrinks in every step, whether its token occurs or not, which would
    change rare languages' rows for nothing and make an active vocabulary inexact.

    Args:
        model: Any module.

    Returns:
        Names as in ``model.named_parameters()``, in that order.
    """
    embeddings = {
        id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)
    }
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim >= 2 and id(parameter) not in embeddings
    ]


def parameter_groups(
    model: PreTrainedModel, weight_decay: float, head_learning_rate: float | None = None
) -> list[dict[str, Any]]:
    """Group parameters for an optimizer: decayed or not, encoder or head.

    The outputs of a sentence embedder vary little (multilingual-e5-small: by 0.15 around their
    mean), so a new last layer needs large weights. At the encoder's rate it gets there so slowly
    that the encoder is pulled apart meanwhile.

    Args:
        model: A model with a head.
        weight_decay: Of the parameters that ``decayed_parameter_names`` gives.
        head_learning_rate: Highest rate of all that is not the encoder; default: the encoder's.

    Returns:
        Groups for a torch optimizer, none of them empty.
    """
    decayed = set(decayed_parameter_names(model))
    in_encoder = {id(parameter) for parameter in model.base_model.parameters()}
    groups: dict[tuple[bool, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        decays = name in decayed
        is_head = id(parameter) not in in_encoder and head_learning_rate is not None
        rate: dict[str, Any] = {"lr": head_learning_rate} if is_head else {}
        new = {"params": [], "weight_decay": weight_decay if decays else 0.0, **rate}
        groups.setdefault((decays, is_head), new)["params"].append(parameter)
    return list(groups.values())
