"""A transformers tokenizer of the general class, which leaves tokenizer.json as it is."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import models
from transformers import PreTrainedTokenizerFast

from tinyglot.tokenizers.state import State, state_kind

_SETTINGS = (
    "model_max_length",
    "padding_side",
    "truncation_side",
    "model_input_names",
    "clean_up_tokenization_spaces",
    "split_special_tokens",
    "add_prefix_space",
    "chat_template",
)
_CLASS_OPTIONS = (
    "do_lower_case",
    "strip_accents",
    "tokenize_chinese_chars",
    "split_by_punct",
    "trim_offsets",
)
"""Arguments of the special classes, kept for those who load with one by name."""


def rebuild(tokenizer: PreTrainedTokenizerFast, state: State) -> PreTrainedTokenizerFast:
    """Make a tokenizer from a state, with the settings of another one.

    It has the general class: the special ones (`XLMRobertaTokenizer`, `BertTokenizer` …) replace
    parts of the state by their own defaults. Scores are taken over exactly, not through JSON.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "tokenizer.json"
        path.write_text(json.dumps(state), encoding="utf-8")
        rebuilt = PreTrainedTokenizerFast(tokenizer_file=str(path), **settings_of(tokenizer))
    if state_kind(state) == "unigram":
        model = state["model"]
        rebuilt.backend_tokenizer.model = models.Unigram(
            [(piece, score) for piece, score in model["vocab"]],
            unk_id=model["unk_id"],
            byte_fallback=model["byte_fallback"],
        )
    return rebuilt


def settings_of(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """List what belongs to a tokenizer besides tokenizer.json, as arguments of its class."""
    settings = {name: getattr(tokenizer, name, None) for name in _SETTINGS}
    settings |= {name: tokenizer.init_kwargs.get(name) for name in _CLASS_OPTIONS}
    settings |= {name: str(token) for name, token in tokenizer.special_tokens_map.items()}
    extra = [str(token) for token in tokenizer.extra_special_tokens]
    settings["extra_special_tokens"] = extra or None
    return {name: value for name, value in settings.items() if value is not None}
