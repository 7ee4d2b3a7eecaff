"""Running a head on some positions only: an LM head on all is most of a small model's work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures.families import view


@contextmanager
def selected_positions(model: PreTrainedModel, is_selected: Tensor) -> Iterator[None]:
    """Let the head of a model see only some positions of the next batch.

    The encoder runs as always; its last hidden states go to the head as one sequence of all
    selected positions, so that the model's logits have shape (1, selected, vocab): row by row
    those of the whole output at these positions.

    Args:
        model: A model with a head that looks at each position alone, such as an LM head. It is
            changed only within the context.
        is_selected: True where the head is to look, of shape (batch, seq).

    Yields:
        Nothing.
    """

    def select(module: nn.Module, arguments: Any, output: Any) -> Any:  # noqa: ANN401  (a hook)
        del module, arguments
        selected = output["last_hidden_state"][is_selected].unsqueeze(0)
        output["last_hidden_state"] = selected
        return output

    handle = view(model).encoder.register_forward_hook(select)
    try:
        yield
    finally:
        handle.remove()
