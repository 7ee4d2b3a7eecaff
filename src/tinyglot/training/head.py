"""A model with the head that a task needs, on the encoder of any given model."""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from tinyglot.architectures import view
from tinyglot.architectures.slim import is_slim, slim_class


def with_head(
    model: PreTrainedModel, model_class: type[PreTrainedModel], labels: Sequence[str], seed: int
) -> PreTrainedModel:
    """Put a new head for these labels on the encoder of a model.

    The encoder's tensors are shared with ``model``, not copied, so train a copy of the result
    (``tinyglot.training.train`` does). Parts of the given model that the head has under the same
    name and shape are taken over, as ``from_pretrained`` does; its last layer never is.

    Args:
        model: A bare encoder, a masked-LM model or a model with another head. It is not changed.
        model_class: The class with the head, of the model's architecture.
        labels: In the order of their ids; none for a head without labels, such as a masked LM's.
        seed: Decides the values of the new layers.

    Returns:
        A model in evaluation mode.

    Randomness:
        The global generator, put back afterwards.
    """
    model_class = slim_class(model_class) if is_slim(type(model)) else model_class
    config = _config_for(model.config, model_class, labels)
    headed = _initialised(model_class, config, seed)
    encoder = _share_encoder(model, config)
    fresh = getattr(headed, headed.base_model_prefix)
    for name in {**dict(encoder.named_children()), **dict(fresh.named_children())}:
        if getattr(fresh, name, None) is None or getattr(encoder, name, None) is None:
            setattr(encoder, name, getattr(fresh, name, None))  # a pooler, or none
    setattr(headed, headed.base_model_prefix, encoder)
    _widen_lm_head(headed)
    _take_over_transform(headed, model)
    headed.eval()
    return headed


def _config_for(
    config: PreTrainedConfig, model_class: type[PreTrainedModel], labels: Sequence[str]
) -> PreTrainedConfig:
    config = copy.deepcopy(config)
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: index for index, label in enumerate(labels)}
    config.architectures = [model_class.__name__]
    if model_class.__name__.endswith("ForMaskedLM"):
        config.tie_word_embeddings = True  # a new LM head has no matrix of its own
    return config


def _initialised(
    model_class: type[PreTrainedModel], config: PreTrainedConfig, seed: int
) -> PreTrainedModel:
    """Build the class with the smallest vocabulary; its encoder is replaced anyway."""
    small = copy.deepcopy(config)
    small.vocab_size = max(config.pad_token_id or 0, 1) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(small)
    for module in model.modules():
        if getattr(module, "config", None) is small:
            vars(module)["config"] = config
    return model


def _share_encoder(model: PreTrainedModel, config: PreTrainedConfig) -> PreTrainedModel:
    """Copy the encoder's modules around the same tensors, with another configuration."""
    encoder = view(model).encoder
    tensors = (*encoder.parameters(), *encoder.buffers())
    memo: dict[int, object] = {id(tensor): tensor for tensor in tensors}
    memo[id(model.config)] = config
    return copy.deepcopy(encoder, memo)


def _widen_lm_head(headed: PreTrainedModel) -> None:
    """Give an LM head one output a token id: the word embeddings' own rows, and new biases."""
    parts = view(headed)
    tensors = parts.named_tensors()
    biases: dict[int, nn.Parameter] = {}
    for name in parts.lm_vocabulary_names:
        if name not in tensors:
            continue
        old = tensors[name]
        bias = biases.setdefault(id(old), nn.Parameter(torch.zeros(parts.num_token_ids)))
        module, _, leaf = name.rpartition(".")
        owner = headed.get_submodule(module)
        setattr(owner, leaf, parts.word_embeddings.weight if old.dim() == 2 else bias)
        if isinstance(owner, nn.Linear):
            owner.out_features = parts.num_token_ids


def _take_over_transform(headed: PreTrainedModel, model: PreTrainedModel) -> None:
    """Copy what lies between the encoder and the last layer, where both models have it."""
    last: nn.Module | None = view(headed).task_head
    keep_new = {id(parameter) for parameter in last.parameters()} if last is not None else set()
    given = dict(model.named_parameters())
    prefix = headed.base_model_prefix + "."
    for name, parameter in headed.named_parameters():
        value = given.get(name)
        if name.startswith(prefix) or id(parameter) in keep_new or value is None:
            continue
        if value.shape == parameter.shape:
            parameter.data.copy_(value.data)
