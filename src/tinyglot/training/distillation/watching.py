"""What a model computes on its way to the last layer, taken down while it runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import view

RELATED = ("query", "key", "value")
_FUSED = "qkv"
EMBEDDINGS = -1
_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


@dataclass(frozen=True)
class Wanted:
    """What is to be taken down of a model.

    Attributes:
        layers: Whose hidden states, from 0; ``EMBEDDINGS`` for what goes into the first.
        related_layers: Whose queries, keys and values.
    """

    layers: frozenset[int] = frozenset()
    related_layers: frozenset[int] = frozenset()

    def union(self, other: "Wanted") -> "Wanted":
        """Take down what either asks for.

        Args:
            other: What else is to be taken down.

        Returns:
            Both together.
        """
        return Wanted(self.layers | other.layers, self.related_layers | other.related_layers)


class Watched:
    """Notes of the batch that goes through a model within ``with``; the model is not changed.

    Args:
        model: A model of a supported family, with or without a head.
        wanted: What is to be taken down.
        without_head: Give an LM head no position to look at: it is run by others.
    """

    def __init__(
        self, model: PreTrainedModel, wanted: Wanted, *, without_head: bool = False
    ) -> None:
        #: of the encoder
        self.inputs: dict[str, Any] = {}
        #: what the encoder gave to the head
        self.last = torch.empty(0)
        #: what each layer gave, and the embeddings
        self.hidden: dict[int, Tensor] = {}
        #: queries, keys and values of layers
        self.related: dict[int, dict[str, Tensor]] = {}
        #: device, type, and whether it was on while the model ran
        self.autocast: tuple[str, torch.dtype, bool] = ("cpu", torch.bfloat16, False)
        self._model = model
        self._wanted = wanted
        self._without_head = without_head
        self._handles: list[Any] = []

    @property
    def mask(self) -> Tensor:
        """True where there is a token, of shape (batch, seq)."""
        mask = self.inputs.get("attention_mask", torch.ones_like(self.inputs["input_ids"]))
        return cast(Tensor, mask.bool())

    def __enter__(self) -> Self:
        self._handles = list(self._hooks(self._model, self._wanted))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    # --- hooks ---------------------------------------------------------------------------------

    def _hooks(self, model: PreTrainedModel, wanted: Wanted) -> Iterator[Any]:
        parts, roles = view(model), view(model).linear_modules()
        yield parts.encoder.register_forward_pre_hook(self._begin, with_kwargs=True)
        yield parts.encoder.register_forward_hook(self._end)
        embeddings = parts.encoder.get_submodule(parts.embedding_path.rpartition(".")[0])
        for index in wanted.layers:
            module = embeddings if index == EMBEDDINGS else parts.layers[index]
            yield module.register_forward_hook(self._hidden_of(index))
        for index in wanted.related_layers:
            for role in {*RELATED, _FUSED} & set(roles[index]):
                hook = self._related_of(index, role)
                yield roles[index][role].register_forward_hook(hook)

    def _begin(self, module: nn.Module, arguments: Any, named: dict[str, Any]) -> None:  # noqa: ANN401
        del module
        given = dict(zip(_INPUTS, arguments, strict=False)) | named
        self.inputs = {name: given[name] for name in _INPUTS if given.get(name) is not None}

    def _end(self, module: nn.Module, arguments: Any, output: Any) -> Any:  # noqa: ANN401  (a hook)
        del module, arguments
        self.last = output["last_hidden_state"]
        device = self.last.device.type
        is_on = torch.is_autocast_enabled(device)
        self.autocast = (device, torch.get_autocast_dtype(device), is_on)
        if self._without_head:
            output["last_hidden_state"] = self.last.flatten(0, 1)[:0].unsqueeze(0)
        return output

    def _hidden_of(self, index: int) -> Callable[..., None]:
        def note(module: nn.Module, arguments: Any, output: Any) -> None:  # noqa: ANN401  (a hook)
            del module, arguments
            self.hidden[index] = output if isinstance(output, Tensor) else output[0]

        return note

    def _related_of(self, index: int, role: str) -> Callable[..., None]:
        def note(module: nn.Module, arguments: Any, output: Tensor) -> None:  # noqa: ANN401  (a hook)
            del module, arguments
            thirds = output.chunk(3, dim=-1) if role == _FUSED else ()
            named = dict(zip(RELATED, thirds, strict=True)) if thirds else {role: output}
            # DeBERTa runs them again on positions: the first call is that of the tokens
            self.related[index] = named | self.related.get(index, {})

        return note
