"""Counting parameters the way reports state them."""

from typing import NamedTuple

from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import view


class ParameterCounts(NamedTuple):
    """Values in distinct parameters; a tied parameter counts once.

    Attributes:
        num_parameters: All of them.
        num_embedding_parameters: Those with a vocabulary axis: the word embeddings, and an untied
            LM head and its bias where there is one. This is what a smaller vocabulary shrinks.
    """

    num_parameters: int
    num_embedding_parameters: int


def count_parameters(model: PreTrainedModel) -> ParameterCounts:
    """Count the values in a model's distinct parameters.

    Args:
        model: A model of a supported family, with or without a head.

    Returns:
        The counts.

    Example:
        >>> from transformers import DistilBertConfig, DistilBertModel
        >>> model = DistilBertModel(DistilBertConfig(
        ...     vocab_size=7, dim=4, n_layers=1, n_heads=1, hidden_dim=4
        ... ))
        >>> count_parameters(model).num_embedding_parameters
        28
    """
    tensors = view(model).named_tensors()
    embedding = {tensors[name] for name, _ in view(model).vocabulary_tensors()}
    return ParameterCounts(_total(set(model.parameters())), _total(embedding))


def _total(parameters: set[Tensor]) -> int:
    return sum(parameter.numel() for parameter in parameters)
