"""How much each layer changes the hidden states of some text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.surgery import evaluation_mode

BATCH_SIZE = 16
DECIMALS = 6


def block_influence(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    lines: Sequence[str],
    max_length: int,
) -> tuple[float, ...]:
    """Measure one minus the mean cosine between what enters a layer and what leaves it.

    The mean is over all tokens of all lines, special tokens included, padding excluded. The model
    is run as it is in evaluation, on the device where it is, and left as it was.

    Args:
        model: A model of a supported family; a head is not used.
        tokenizer: Its tokenizer.
        lines: Text, at least one line.
        max_length: Tokens after which a line is cut.

    Returns:
        One value a layer in [0, 2], rounded to six decimals: 0 for a layer that changes no
        direction.

    Notation:
        BI_i = 1 - E[X_i . X_(i+1) / (|X_i| |X_(i+1)|)]: X_i and X_(i+1) are a token's hidden
        states before and after layer i.

    References:
        Men et al. (2024), ShortGPT, arXiv 2403.03853, definition of block influence.
    """
    encoder = view(model)
    cosines = _CosineSums(len(encoder.layers))
    with evaluation_mode(encoder.encoder), _watched(encoder.layers, cosines):
        for token_ids, mask in _batches(tokenizer, lines, max_length):
            cosines.mask = mask.to(model.device)
            encoder.encoder(token_ids.to(model.device), cosines.mask)
    return tuple(round(max(0.0, 1.0 - mean), DECIMALS) for mean in cosines.means())


class _CosineSums:
    """Running sums over the tokens that the mask keeps, one a layer."""

    def __init__(self, num_layers: int) -> None:
        self.mask = torch.empty(0)
        self._sums = [0.0] * num_layers
        self._tokens = [0] * num_layers

    def add(self, layer: int, before: Tensor, after: Tensor) -> None:
        kept = self.mask.bool()
        cosines = cosine_similarity(before[kept].double(), after[kept].double(), dim=-1)
        self._sums[layer] += float(cosines.sum())
        self._tokens[layer] += len(cosines)

    def means(self) -> list[float]:
        return [total / count for total, count in zip(self._sums, self._tokens, strict=True)]


@contextmanager
def _watched(layers: nn.ModuleList, cosines: _CosineSums) -> Iterator[None]:
    """Add what each layer does to the sums while the block runs."""
    handles = [
        layer.register_forward_hook(_hook(index, cosines), with_kwargs=True)
        for index, layer in enumerate(layers)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(index: int, cosines: _CosineSums) -> Any:  # noqa: ANN401  (torch's own hook type)
    def add(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:  # noqa: ANN401  (any output)
        before = args[0] if args else kwargs["hidden_states"]
        cosines.add(index, before, output[0] if isinstance(output, tuple) else output)

    return add


def _batches(
    tokenizer: PreTrainedTokenizerFast, lines: Sequence[str], max_length: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give padded ids and masks, lines of similar length together."""
    length = min(max_length, tokenizer.model_max_length)
    encoded = tokenizer(list(lines), truncation=True, max_length=length)["input_ids"]
    encoded = sorted((torch.tensor(ids) for ids in encoded), key=len)
    for start in range(0, len(encoded), BATCH_SIZE):
        batch = encoded[start : start + BATCH_SIZE]
        token_ids = pad_sequence(batch, batch_first=True, padding_value=tokenizer.pad_token_id)
        ones = [torch.ones_like(ids) for ids in batch]
        yield token_ids, pad_sequence(ones, batch_first=True)
