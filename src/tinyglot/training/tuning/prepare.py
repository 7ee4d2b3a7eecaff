"""From a model to one of which a few weights are trained, and back to one like all others."""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.surgery.adapters import adapter_size, add_adapters
from tinyglot.surgery.copies import shared_copy
from tinyglot.training.tuning.lora import add_lora, merge_lora
from tinyglot.training.tuning.options import LoraOptions, Tuning


@dataclass(frozen=True)
class TunedCounts:
    """What is trained of a model.

    Attributes:
        num_new_parameters: Of the updates or adapters.
        num_head_parameters: Of all other weights that are trained: the head's, and those of the
            word embeddings if these are.
    """

    num_new_parameters: int
    num_head_parameters: int


def prepare_tuning(model: PreTrainedModel, tuning: Tuning, seed: int) -> PreTrainedModel:
    """Give a model of which only new weights and the head are trained.

    A pooler that the encoder holds for the head (BERT's) is trained with it.

    Args:
        model: A model with a task head. It is not changed, and shares its weights with the result.
        tuning: What is new in it.
        seed: Decides the new weights.

    Returns:
        The model; parameters that stay as they are need no gradient.

    Raises:
        MissingExtraError: If a package is not installed.
        UnsupportedArchitectureError: If the model has adapters of another size.
    """
    if isinstance(tuning, LoraOptions):
        tuned = shared_copy(model)
        add_lora(tuned, tuning, seed)
    else:
        size = adapter_size(view(model).hidden_size, tuning.reduction)
        tuned = add_adapters(model, size, seed)
    encoder = tuned.base_model
    kept = {id(p) for name, p in encoder.named_parameters() if not _is_trained(name, tuning)}
    if isinstance(tuning, LoraOptions) and tuning.train_embeddings:
        kept.discard(id(view(tuned).word_embeddings.weight))
    for parameter in tuned.parameters():
        parameter.requires_grad_(id(parameter) not in kept)
    return tuned


def _is_trained(name: str, tuning: Tuning) -> bool:
    return name.startswith("pooler.") or _is_new(name, tuning)


def _is_new(name: str, tuning: Tuning) -> bool:
    return (".lora_" if isinstance(tuning, LoraOptions) else ".adapter.") in f".{name}"


def finish_tuning(model: PreTrainedModel, tuning: Tuning) -> PreTrainedModel:
    """Make an ordinary model of a trained one, in place: updates are merged, nothing is frozen.

    Args:
        model: What ``prepare_tuning`` gave, after training.
        tuning: As for ``prepare_tuning``.

    Returns:
        The same model; with adapters, it is a slim one.
    """
    if isinstance(tuning, LoraOptions):
        merge_lora(model)
    module: nn.Module = model
    module.requires_grad_(requires_grad=True)
    return model


def tuned_counts(tuned: PreTrainedModel, tuning: Tuning) -> TunedCounts:
    """Count what is trained.

    Args:
        tuned: What ``prepare_tuning`` gave.
        tuning: As for ``prepare_tuning``.

    Returns:
        Numbers of weights.
    """
    sizes = {n: p.numel() for n, p in tuned.named_parameters() if p.requires_grad}
    new = sum(size for name, size in sizes.items() if _is_new(name, tuning))
    return TunedCounts(new, sum(sizes.values()) - new)
