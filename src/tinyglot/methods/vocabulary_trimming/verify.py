"""The promise of vocabulary trimming, checked on text: same pieces, bit-equal hidden states."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import ParityError
from tinyglot.surgery import evaluation_mode

_MAX_LENGTH = 64
_MAX_MODEL_LINES = 8

Pair = tuple[PreTrainedModel, PreTrainedTokenizerFast]


def verify_trim(
    original: Pair, trimmed: Pair, kept_token_ids: Sequence[int], lines: Sequence[str]
) -> None:
    """Compare original and trimmed on the lines whose tokens are all kept.

    Args:
        original: Model and tokenizer before.
        trimmed: Model and tokenizer after.
        kept_token_ids: Old ids in the order of the new ones.
        lines: Any text; lines with removed tokens are passed over.

    Raises:
        ParityError: If such a line is split into other tokens, or gives hidden states that are
            not bit-equal.
    """
    new_ids = {old: new for new, old in enumerate(kept_token_ids)}
    compared = 0
    for line in lines:
        before = _encode(original[1], line)
        if not all(token_id in new_ids for token_id in before):
            continue
        expected = [new_ids[token_id] for token_id in before]
        _check_pieces(line, expected, _encode(trimmed[1], line))
        if compared < _MAX_MODEL_LINES:
            _check_hidden_states(
                line, (original[0], before[:_MAX_LENGTH]), (trimmed[0], expected[:_MAX_LENGTH])
            )
            compared += 1


def _encode(tokenizer: PreTrainedTokenizerFast, line: str) -> list[int]:
    ids: list[int] = tokenizer(line, verbose=False)["input_ids"]
    return ids


def _check_pieces(line: str, expected: list[int], got: list[int]) -> None:
    if got != expected:
        raise ParityError(
            "Could not trim the vocabulary: a line is split differently afterwards.",
            got=f"{line[:60]!r}: {got[:12]}",
            expected=f"{expected[:12]}",
            fix="please report this with the tokenizer.json; nothing was written",
        )


def _check_hidden_states(
    line: str, before: tuple[PreTrainedModel, list[int]], after: tuple[PreTrainedModel, list[int]]
) -> None:
    old, new = (_hidden_states(*each) for each in (before, after))
    if not torch.equal(old, new):
        raise ParityError(
            "Could not trim the vocabulary: a line is computed differently afterwards.",
            got=f"{line[:60]!r}: max difference {(old - new).abs().max().item():g}",
            expected="bit-equal hidden states",
            fix="please report this with the config.json; nothing was written",
        )


def _hidden_states(model: PreTrainedModel, token_ids: list[int]) -> torch.Tensor:
    encoder = view(model).encoder
    with evaluation_mode(encoder):
        ids = torch.tensor([token_ids], device=encoder.device)
        hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    return hidden
