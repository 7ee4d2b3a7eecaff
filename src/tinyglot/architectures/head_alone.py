"""The LM head of a model without its encoder, whatever its family."""

import copy
from typing import Any, cast

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from tinyglot.architectures.families import view


def lm_logits(model: PreTrainedModel, hidden_states: Tensor) -> Tensor:
    """Run the LM head of a model on hidden states that are there already.

    Args:
        model: A model with an LM head. It is not changed; gradients reach its parameters.
        hidden_states: Shape (positions, hidden), as the encoder gives them to the head.

    Returns:
        Shape (positions, vocab).
    """
    head = copy.copy(model)  # a shallow one: the same modules and parameters
    modules = dict(model._modules)
    modules[model.base_model_prefix] = _Given(view(model).word_embeddings, hidden_states)
    vars(head)["_modules"] = modules
    outputs: Any = type(model).forward(cast(Any, head))
    return cast(Tensor, outputs["logits"][0])


def lm_head_parameters(model: PreTrainedModel) -> list[nn.Parameter]:
    """List what the LM head of a model computes with, a tied embedding among it.

    Args:
        model: A model with an LM head.

    Returns:
        Each parameter once.
    """
    heads = [module for name, module in model.named_children() if name != model.base_model_prefix]
    found = [parameter for head in heads for parameter in head.parameters()]
    word_embeddings = cast(nn.Parameter, view(model).word_embeddings.weight)
    return list({id(parameter): parameter for parameter in [*found, word_embeddings]}.values())


class _Given(nn.Module):
    """Stands where the encoder does, and gives hidden states that are there already."""

    def __init__(self, word_embeddings: nn.Embedding, hidden_states: Tensor) -> None:
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.word_embeddings = word_embeddings  # heads of DeBERTa look for it here
        self._hidden_states = hidden_states

    def forward(self, *args: Any, **kwargs: Any) -> BaseModelOutput:  # noqa: ANN401  (any inputs)
        del args, kwargs
        return BaseModelOutput(last_hidden_state=cast(Any, self._hidden_states.unsqueeze(0)))
