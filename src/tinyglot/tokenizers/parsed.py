"""A tokenizer that is read once, for several questions and edits."""

from collections.abc import Collection, Sequence
from functools import cached_property
from hashlib import sha256

from transformers import PreTrainedTokenizerFast

from tinyglot.tokenizers.characters import character_ids
from tinyglot.tokenizers.closure import Closure, closure_of
from tinyglot.tokenizers.required import required_ids, unknown_ids
from tinyglot.tokenizers.state import all_tokens, read_state
from tinyglot.tokenizers.trim import trimmed

_DIGEST_LENGTH = 16


class ParsedTokenizer:
    """What the functions of this package tell about a tokenizer, without reading it every time.

    Reading takes half a second for 250,000 tokens. The tokenizer is not changed; changes that
    others make to it afterwards are not seen.

    Args:
        tokenizer: A fast tokenizer.

    Raises:
        UnsupportedTokenizerError: If it cannot be edited.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._state = read_state(tokenizer)

    @cached_property
    def required_token_ids(self) -> frozenset[int]:
        """As `required_token_ids`: the tokens that a trimmed tokenizer must keep."""
        return required_ids(self._tokenizer, self._state)

    @cached_property
    def unknown_token_ids(self) -> frozenset[int]:
        """As `unknown_token_ids`: what characters become that the tokenizer has no piece for."""
        return unknown_ids(self._tokenizer, self._state)

    @cached_property
    def close(self) -> Closure:
        """As `token_closure`: adds to a set of tokens those that it cannot do without."""
        return closure_of(self._state)

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that differ if any token or its id does."""
        tokens = sorted(all_tokens(self._state).items())
        lines = "\n".join(f"{token_id} {token!r}" for token_id, token in tokens)
        return sha256(lines.encode()).hexdigest()[:_DIGEST_LENGTH]

    def character_token_ids(self, scripts: Collection[str]) -> frozenset[int]:
        """As the function of that name: the tokens that are one character of the scripts.

        Args:
            scripts: ISO 15924 codes, such as ``Latn`` or ``Jpan``.

        Returns:
            Token ids.

        Raises:
            UnknownScriptError: If Unicode has no such script.
        """
        return character_ids(self._state, scripts)

    def trim(self, kept_token_ids: Sequence[int]) -> PreTrainedTokenizerFast:
        """As `trim_tokenizer`: a tokenizer of the kept tokens.

        Args:
            kept_token_ids: Old token ids, closed and with all required ones.

        Returns:
            A new tokenizer.

        Raises:
            TokenIdRangeError: If an id is not in the vocabulary, occurs twice, is out of order, or
                if one that must stay is missing.
            UnsupportedTokenizerError: If the tokenizer has nothing for unknown characters.
        """
        return trimmed(self._tokenizer, self._state, kept_token_ids)
