"""Words to token ids, one word at a time, and long sentences to windows at word borders."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

from transformers import PreTrainedTokenizerFast

from tinyglot.errors import SequenceLengthError, UnsupportedTokenizerError

MAX_LENGTH = 512
PROBES = ("a", "0")

WordPieces = dict[str, list[int]]
Window = tuple[int, int]


def sequence_limit(tokenizer: PreTrainedTokenizerFast, max_length: int = MAX_LENGTH) -> int:
    """Give the number of tokens that a sequence may have.

    Args:
        tokenizer: The model's tokenizer.
        max_length: A limit of the caller's own, in tokens.

    Returns:
        The smaller of ``max_length`` and what the tokenizer says about its model.
    """
    return min(int(tokenizer.model_max_length), max_length)


def word_pieces(tokenizer: PreTrainedTokenizerFast, words: Iterable[str]) -> WordPieces:
    """Tokenise each distinct word alone, as it stands within a sentence behind a space.

    The pieces of a word do not depend on its neighbours, so sentences can be cut anywhere between
    words. Where text spells a special token (``</s>``), and where a word tokenises to nothing (a
    lone zero-width character), the unknown token stands.

    Args:
        tokenizer: The model's tokenizer.
        words: Words; repetitions cost nothing.

    Returns:
        At least one token id for each distinct word.

    Raises:
        UnsupportedTokenizerError: If the unknown token is needed and there is none.
    """
    distinct = list(dict.fromkeys(words))
    if not distinct:
        return {}
    space = " " if _marks_only_spaces(tokenizer) else ""
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    pieces = dict(zip(distinct, token_ids(tokenizer, [space + w for w in distinct]), strict=True))
    for word, ids in pieces.items():
        if not ids or not special.isdisjoint(ids):
            unknown = _unknown_id(tokenizer, word)
            pieces[word] = [unknown if i in special else i for i in ids] or [unknown]
    return pieces


def special_affixes(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Find the special tokens that the tokenizer puts before and after a sentence.

    Args:
        tokenizer: The model's tokenizer.

    Returns:
        Token ids before and token ids after.

    Raises:
        UnsupportedTokenizerError: If the tokenizer has no token for plain text.
    """
    with left_as_it_was(tokenizer):
        encoded = tokenizer(PROBES[0], return_special_tokens_mask=True, truncation=False)
    ids, is_special = list(encoded["input_ids"]), list(encoded["special_tokens_mask"])
    if 0 not in is_special:
        raise _leaves_no_token(PROBES[0])
    before, after = is_special.index(0), is_special[::-1].index(0)
    return ids[:before], ids[len(ids) - after :]


def word_windows(num_pieces: Sequence[int], budget: int) -> list[Window]:
    """Cut a sentence into as few runs of words as fit, of about equal length.

    Args:
        num_pieces: Token ids of each word, each at least 1.
        budget: Most token ids a window may have; a longer word has a window of its own.

    Returns:
        First word and number of words of each window; together every word exactly once, in order.

    Example:
        >>> word_windows([1, 1, 1, 1, 1], budget=4), word_windows([9, 1], budget=4)
        ([(0, 3), (3, 2)], [(0, 1), (1, 1)])
    """
    least = len(_filled(num_pieces, budget, budget))
    ends = list(accumulate(min(count, budget) for count in num_pieces))
    equal = -(-ends[-1] // least)
    balanced = _filled(num_pieces, budget, equal)
    return balanced if len(balanced) == least else _filled(num_pieces, budget, budget)


def check_length(max_length: int, num_special: int) -> int:
    """Give the token ids that are left for words in a sequence.

    Args:
        max_length: Most tokens a sequence may have.
        num_special: Special tokens around a sentence.

    Returns:
        At least 1.

    Raises:
        SequenceLengthError: If nothing is left.
    """
    if max_length > num_special:
        return max_length - num_special
    raise SequenceLengthError(
        "Could not encode sentences: the maximum length leaves no room for words.",
        got=f"{max_length} tokens",
        expected=f"more than the {num_special} special tokens around a sentence",
        fix=f"give a maximum length of {num_special + 1} to {MAX_LENGTH} tokens",
    )


def token_ids(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    """Tokenise texts whole, without special tokens around them.

    Args:
        tokenizer: The model's tokenizer; left as it was.
        texts: At least one.

    Returns:
        Token ids, text by text; special tokens that a text spells are among them.
    """
    with left_as_it_was(tokenizer):
        encoded = tokenizer(
            texts,
            add_special_tokens=False,
            truncation=False,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def without_special_ids(
    tokenizer: PreTrainedTokenizerFast, id_lists: Iterable[Sequence[int]]
) -> Iterator[list[int]]:
    """Put the unknown token where text spells a special token (``</s>``).

    Args:
        tokenizer: The model's tokenizer; without an unknown token, nothing is changed.
        id_lists: Token ids of texts.

    Yields:
        As many ids for each.
    """
    unknown = tokenizer.unk_token_id
    special = set() if unknown is None else set(tokenizer.all_special_ids)
    for ids in id_lists:
        yield [unknown if token_id in special else token_id for token_id in ids]


@contextmanager
def left_as_it_was(tokenizer: PreTrainedTokenizerFast) -> Iterator[None]:
    """Undo what calls leave behind in the tokenizer's backend.

    Args:
        tokenizer: Called meanwhile, without truncation and padding.

    Yields:
        Nothing.
    """
    backend = tokenizer.backend_tokenizer
    truncation, padding = backend.truncation, backend.padding
    try:
        yield
    finally:
        if truncation is not None:
            backend.enable_truncation(**truncation)
        if padding is not None:
            backend.enable_padding(**padding)


def _filled(num_pieces: Sequence[int], budget: int, enough: int) -> list[Window]:
    """Close a window when the next word does not fit, or when it has enough."""
    windows: list[Window] = []
    first = used = 0
    for word, count in enumerate(num_pieces):
        if word > first and (used >= enough or used + count > budget):
            windows.append((first, word - first))
            first, used = word, 0
        used += count
    return [*windows, (first, len(num_pieces) - first)]


def _marks_only_spaces(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Say whether a word behind a space differs from the same word at the very beginning."""
    for probe in PROBES:
        alone, twice, spaced = token_ids(tokenizer, [probe, f"{probe} {probe}", f" {probe}"])
        behind_space = twice[len(alone) :]
        if alone != behind_space == spaced:
            return True
    return False


def _unknown_id(tokenizer: PreTrainedTokenizerFast, word: str) -> int:
    if tokenizer.unk_token_id is not None:
        return int(tokenizer.unk_token_id)
    raise _leaves_no_token(word)


def _leaves_no_token(word: str) -> UnsupportedTokenizerError:
    return UnsupportedTokenizerError(
        "Could not tokenise a word: no ordinary token is left, and there is no unknown token.",
        got=f"word {word!r}",
        expected="a tokenizer with an unknown token, or words that leave a token",
        fix="remove this word from the data, or give the tokenizer an unk_token",
    )
