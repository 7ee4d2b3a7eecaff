"""Low-rank updates by the library peft, and merging them into the weights."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.errors import MissingExtraError
from tinyglot.training.tuning.options import LoraOptions

_QUERY_AND_VALUE = ("query", "value", "qkv")


def add_lora(model: PreTrainedModel, options: LoraOptions, seed: int) -> None:
    """Put low-rank updates beside linear modules, in place; at first they add nothing.

    Args:
        model: A copy whose modules may be exchanged.
        options: Which modules, and how.
        seed: Decides the factors that are not zeros.

    Raises:
        MissingExtraError: If peft is not installed.

    Randomness:
        The global generator, put back afterwards.
    """
    peft = require_peft()
    config = peft.LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=target_names(model, options),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(config, model)
    vars(model).pop("peft_config", None)  # what is saved is no adapter of peft


def target_names(model: PreTrainedModel, options: LoraOptions) -> list[str]:
    """List the linear modules that get an update.

    Args:
        model: A model of any family.
        options: Which roles.

    Returns:
        Paths from the model.
    """
    wanted = {
        id(module)
        for roles in view(model).linear_modules()
        for role, module in roles.items()
        if options.targets == "all_linear" or role in _QUERY_AND_VALUE
    }
    return [name for name, module in model.named_modules() if id(module) in wanted]


def merge_lora(model: PreTrainedModel) -> None:
    """Add the updates to the weights and take them off, in place.

    Args:
        model: What ``add_lora`` made, after training.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    tuned = {name: m for name, m in model.named_modules() if isinstance(m, BaseTunerLayer)}
    for name, module in tuned.items():
        layer: Any = module
        layer.merge(safe_merge=True)  # else into memory that may be shared
        parent, _, leaf = name.rpartition(".")
        base: nn.Module = layer.get_base_layer()
        setattr(model.get_submodule(parent), leaf, base)


def require_peft() -> Any:  # noqa: ANN401  (a module)
    """Import peft.

    Returns:
        The package.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import peft
    except ImportError as error:
        raise MissingExtraError(
            "Could not train low-rank updates: peft is not installed.",
            got="no package peft",
            expected="peft 0.21 or later",
            fix='pip install "tinyglot[lora]"',
        ) from error
    return peft
