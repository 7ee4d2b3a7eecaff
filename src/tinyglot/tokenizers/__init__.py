"""Edits of tokenizers: which tokens must stay, a smaller vocabulary, and saving that lasts."""

from tinyglot.tokenizers.characters import character_token_ids
from tinyglot.tokenizers.closure import Closure, close_token_ids, token_closure
from tinyglot.tokenizers.limits import unlimited
from tinyglot.tokenizers.parsed import ParsedTokenizer
from tinyglot.tokenizers.required import required_token_ids, unknown_token_ids
from tinyglot.tokenizers.samples import HARD_SAMPLES
from tinyglot.tokenizers.saving import (
    file_differences,
    load_tokenizer,
    save_tokenizer,
    verify_tokenizer,
)
from tinyglot.tokenizers.state import Kind, tokenizer_kind
from tinyglot.tokenizers.trim import trim_tokenizer

__all__ = [
    "HARD_SAMPLES",
    "Closure",
    "Kind",
    "ParsedTokenizer",
    "character_token_ids",
    "close_token_ids",
    "file_differences",
    "load_tokenizer",
    "required_token_ids",
    "save_tokenizer",
    "token_closure",
    "tokenizer_kind",
    "trim_tokenizer",
    "unknown_token_ids",
    "unlimited",
    "verify_tokenizer",
]
