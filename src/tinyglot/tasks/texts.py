"""One text, or two, to one sequence of token ids: the tokenizer's own template, ends cut."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerFast

from tinyglot.errors import SequenceLengthError
from tinyglot.tasks.task import Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSequence(Encoded):
    """A whole example in one sequence.

    Attributes:
        is_cut: Whether the example is longer than a sequence may be, so that its end is missing.
    """

    is_cut: bool = False


class TextTokens(NamedTuple):
    """What the model gets to see of an example.

    Attributes:
        input_ids: Token ids with the special tokens, no padding.
        token_type_ids: Which text each token belongs to; ``None`` if the tokenizer makes none.
        is_cut: Whether tokens were left out at the end of a text.
    """

    input_ids: list[int]
    token_type_ids: list[int] | None
    is_cut: bool


def text_tokens(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[tuple[str, ...]], max_length: int
) -> list[TextTokens]:
    """Tokenise texts or pairs as a call of the tokenizer does.

    Of two texts that are too long together, the longer one loses tokens at its end first. No
    special token of the template is ever lost. Where a text spells a special token (``</s>``),
    the unknown token stands if there is one.

    Args:
        tokenizer: The model's tokenizer; left as it was.
        texts: Of each example one text, or of each two.
        max_length: Most tokens a sequence may have, special tokens included.

    Returns:
        One entry an example.

    Raises:
        SequenceLengthError: If ``max_length`` leaves no room for a token of each text.
    """
    if not texts:
        return []
    columns = [list(column) for column in zip(*texts, strict=True)]
    _check_room(tokenizer, len(columns), max_length)
    with _no_traces(tokenizer):
        encoded = tokenizer(
            *columns,
            truncation="longest_first",
            max_length=max_length,
            padding=False,
            verbose=False,
        )
    types = encoded.get("token_type_ids") or [None] * len(texts)
    parts = zip(_ordinary(tokenizer, encoded), types, encoded.encodings or (), strict=True)
    return [TextTokens(ids, type_ids, bool(part.overflowing)) for ids, type_ids, part in parts]


def _check_room(tokenizer: PreTrainedTokenizerFast, num_texts: int, max_length: int) -> None:
    num_special = tokenizer.num_special_tokens_to_add(pair=num_texts == 2)
    if max_length >= num_special + num_texts:
        return
    raise SequenceLengthError(
        "Could not encode texts: the maximum length leaves no room for them.",
        got=f"{max_length} tokens",
        expected=f"at least {num_special + num_texts}: {num_special} special tokens, and one of "
        f"{'the text' if num_texts == 1 else 'each of the two texts'}",
        fix="give a larger maximum length",
    )


def _ordinary(tokenizer: PreTrainedTokenizerFast, encoded: Any) -> Iterator[list[int]]:  # noqa: ANN401  (a BatchEncoding)
    """Give the token ids, the unknown one for special tokens that do not come from the template."""
    unknown: Any = tokenizer.unk_token_id
    special = set(tokenizer.all_special_ids) - {unknown} if unknown is not None else set()
    for ids, part in zip(encoded["input_ids"], encoded.encodings, strict=True):
        own = zip(ids, part.sequence_ids, strict=True)
        yield [unknown if text is not None and i in special else i for i, text in own]


@contextmanager
def _no_traces(tokenizer: PreTrainedTokenizerFast) -> Iterator[None]:
    """Put truncation and padding of the tokenizer's backend back."""
    backend = tokenizer.backend_tokenizer
    truncation, padding = backend.truncation, backend.padding
    try:
        yield
    finally:
        backend.enable_truncation(**truncation) if truncation else backend.no_truncation()
        backend.enable_padding(**padding) if padding else backend.no_padding()
