"""Tokens that are a single character of some scripts, so that no word turns into the unknown."""

from collections.abc import Callable, Collection

import regex
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from tinyglot.languages.scripts import is_of_script
from tinyglot.tokenizers.state import (
    WORD_MARKER,
    State,
    byte_letters,
    is_byte_level,
    model_tokens,
    read_state,
)

_SHARED = regex.compile(
    r"(?V1)[[\p{scx=Zyyy}\p{scx=Zinh}\p{sc=Zinh}]--[\p{So}\p{Cc}\p{Cn}\p{Co}\p{Cs}]]|[A-Za-z]"
)
"""Digits, punctuation, signs, marks, joiners, basic letters; not emoji and other pictures."""


def character_token_ids(
    tokenizer: PreTrainedTokenizerFast, scripts: Collection[str]
) -> frozenset[int]:
    """List the tokens that are one character of the scripts, or one that all scripts share.

    A character counts in every form a tokenizer has for it: at the beginning of a word ("▁x"),
    within one ("##x") and alone. Shared are digits, punctuation, combining marks, joiners,
    mathematical and currency signs, and the 52 letters of ASCII, because names and addresses are
    written with them everywhere; not emoji. The word marker "▁" counts as well. A byte-level
    tokenizer has the 256 bytes besides, and the tokens that spell one character in UTF-8.

    For BPE, close the ids with `close_token_ids` afterwards.

    Args:
        tokenizer: A fast tokenizer; not changed.
        scripts: ISO 15924 codes, such as ``Latn`` or ``Jpan``.

    Returns:
        Token ids.

    Raises:
        UnknownScriptError: If Unicode has no such script.
        UnsupportedTokenizerError: If the tokenizer cannot be edited.
    """
    return character_ids(read_state(tokenizer), scripts)


def character_ids(state: State, scripts: Collection[str]) -> frozenset[int]:
    """List what `character_token_ids` does, from a state that was read before."""
    bytes_too = ByteLevel.alphabet() if is_byte_level(state) else ()
    kept = {WORD_MARKER, *bytes_too}
    spell = _speller(state)
    seen: dict[str, bool] = {}
    ids = set()
    for token_id, token in model_tokens(state).items():
        character = spell(token)
        if len(character) == 1 and character not in seen:
            seen[character] = _is_wanted(character, scripts)
        if token in kept or seen.get(character, False):
            ids.add(token_id)
    return frozenset(ids)


def _is_wanted(character: str, scripts: Collection[str]) -> bool:
    of_scripts = [is_of_script(character, script) for script in scripts]
    return any(of_scripts) or _SHARED.fullmatch(character) is not None


def _speller(state: State) -> Callable[[str], str]:
    """Choose the function that gives the text a token stands for, without word markers."""
    prefix = state["model"].get("continuing_subword_prefix") or ""
    suffix = state["model"].get("end_of_word_suffix") or ""
    if is_byte_level(state):
        byte_of = {letter: bytes([byte]) for byte, letter in enumerate(byte_letters())}
        return lambda token: _spell_bytes(token.removeprefix(prefix), byte_of)
    return lambda token: _without_marker(token.removeprefix(prefix).removesuffix(suffix))


def _without_marker(token: str) -> str:
    return token[1:] if len(token) > 1 and token.startswith(WORD_MARKER) else token


def _spell_bytes(token: str, byte_of: dict[str, bytes]) -> str:
    try:
        text = b"".join(byte_of[letter] for letter in token).decode()
    except (KeyError, UnicodeDecodeError):
        return ""
    return text[1:] if len(text) > 1 and text.startswith(" ") else text
