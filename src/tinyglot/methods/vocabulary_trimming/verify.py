"""The promise of vocabulary trimming, checked: same pieces, bit-equal hidden states."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import ParityError
from tinyglot.surgery import evaluation_mode
from tinyglot.tokenizers import tokenizer_kind, unlimited

_ROWS, _COLUMNS = 4, 16


def verify_pieces(
    original: PreTrainedTokenizerFast,
    trimmed: PreTrainedTokenizerFast,
    kept_token_ids: Sequence[int],
    lines: Sequence[str],
) -> None:
    """Compare two tokenizers on the lines, and the words in them, whose tokens are all kept.

    Words that WordPiece gave up on are passed over: it may find pieces for them afterwards.

    Args:
        original: Tokenizer before.
        trimmed: Tokenizer after.
        kept_token_ids: Old ids in the order of the new ones.
        lines: Any text.

    Raises:
        ParityError: If one of them is split into other tokens.
    """
    texts = [*lines, *{word: None for line in lines for word in line.split()}]
    new_ids = {old: new for new, old in enumerate(kept_token_ids)}
    if tokenizer_kind(original) == "wordpiece":
        new_ids.pop(int(original.unk_token_id or 0))
    for text, before, after in zip(
        texts, _encode(original, texts), _encode(trimmed, texts), strict=True
    ):
        expected = [new_ids.get(token_id) for token_id in before]
        if None not in expected and after != expected:
            raise ParityError(
                "Could not trim the vocabulary: a text is split differently afterwards.",
                got=f"{text[:60]!r}: {trimmed.convert_ids_to_tokens(after[:12])}",
                expected=f"{original.convert_ids_to_tokens(before[:12])}",
                fix="please report this with the tokenizer.json; nothing was written",
            )


def _encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    backend = tokenizer.backend_tokenizer
    with unlimited(backend):
        return [encoding.ids for encoding in backend.encode_batch_fast(texts)]


def verify_hidden_states(
    original: PreTrainedModel, trimmed: PreTrainedModel, kept_token_ids: Sequence[int]
) -> None:
    """Compare two models on kept tokens, taken evenly from the whole vocabulary.

    Args:
        original: Model before; left as it was.
        trimmed: Model after; left as it was.
        kept_token_ids: Old ids in the order of the new ones.

    Raises:
        ParityError: If any hidden state is not bit-equal.
    """
    new_ids = _sample(trimmed, len(kept_token_ids))
    old_ids = torch.tensor(kept_token_ids)[new_ids]
    before, after = _hidden_states(original, old_ids), _hidden_states(trimmed, new_ids)
    if not torch.equal(before, after):
        raise ParityError(
            "Could not trim the vocabulary: kept tokens are computed differently afterwards.",
            got=f"max difference {(before - after).abs().max().item():g}",
            expected="bit-equal hidden states",
            fix="please report this with the config.json; nothing was written",
        )


def _sample(model: PreTrainedModel, num_ids: int) -> torch.Tensor:
    """Spread ids over the vocabulary; none of them is padding."""
    usable = torch.arange(num_ids)
    usable = usable[usable != view(model).word_embeddings.padding_idx]
    places = torch.linspace(0, len(usable) - 1, _ROWS * _COLUMNS).long()
    return usable[places].reshape(_ROWS, _COLUMNS)


def _hidden_states(model: PreTrainedModel, token_ids: torch.Tensor) -> torch.Tensor:
    encoder = view(model).encoder
    ids = token_ids.to(encoder.device)
    with evaluation_mode(encoder):
        hidden: torch.Tensor = encoder(input_ids=ids, attention_mask=torch.ones_like(ids))[0]
    return hidden
