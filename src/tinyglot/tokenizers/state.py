"""tokenizer.json as a value: read from a tokenizer, written so that every number survives."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from tokenizers import models
from transformers import PreTrainedTokenizerFast

from tinyglot.errors import UnsupportedTokenizerError
from tinyglot.tokenizers.scores import portable_digits

Kind = Literal["wordpiece", "bpe", "unigram"]
State = dict[str, Any]
"""The content of a tokenizer.json, parsed."""

WORD_MARKER = "▁"
"""What SentencePiece puts where a word begins."""

_KINDS: dict[type, Kind] = {
    models.WordPiece: "wordpiece",
    models.BPE: "bpe",
    models.Unigram: "unigram",
}


def tokenizer_kind(tokenizer: PreTrainedTokenizerFast) -> Kind:
    """Name the algorithm that splits words into tokens.

    Args:
        tokenizer: Any fast tokenizer.

    Returns:
        The algorithm.

    Raises:
        UnsupportedTokenizerError: If it is a Python tokenizer, or has another algorithm.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    kind = _KINDS.get(type(getattr(backend, "model", None)))
    if kind is None:
        found = type(tokenizer if backend is None else backend.model).__name__
        raise UnsupportedTokenizerError(
            "Could not edit the tokenizer: its algorithm is not supported.",
            got=found,
            expected="a fast tokenizer with one of WordPiece, BPE, Unigram",
            fix="load it with AutoTokenizer from a directory that has a tokenizer.json",
        )
    return kind


def read_state(tokenizer: PreTrainedTokenizerFast) -> State:
    """Read everything that tokenizer.json would hold, without truncation and padding.

    Those two are left over from the last call of the tokenizer, and would be applied by whoever
    loads the file with the ``tokenizers`` library alone.

    Args:
        tokenizer: A fast tokenizer; not changed.

    Returns:
        A new value, free to edit.

    Raises:
        UnsupportedTokenizerError: If the algorithm is not supported, or a part of the tokenizer
            is Python code and cannot be written down.

    Cost:
        Half a second for 250,000 tokens.
    """
    tokenizer_kind(tokenizer)
    try:
        state: State = json.loads(tokenizer.backend_tokenizer.to_str())
    except Exception as error:  # the Rust library raises nothing narrower
        raise UnsupportedTokenizerError(
            "Could not edit the tokenizer: a part of it cannot be written to tokenizer.json.",
            got=str(error),
            expected="normalizer, pre-tokenizer and decoder of the tokenizers library",
            fix="replace the part that is written in Python by one of the library",
        ) from error
    return {**state, "truncation": None, "padding": None}


def state_kind(state: State) -> Kind:
    """Name the algorithm of a state that was read from a supported tokenizer."""
    kind: Kind = state["model"]["type"].lower()
    return kind


def state_text(state: State) -> str:
    """Write a state as tokenizer.json, in a way that gives the same scores when it is read.

    The ``tokenizers`` library does not round decimal numbers correctly when it reads them: of the
    scores of XLM-R, 26 % change in the last bit with every save and load, and ties between two
    segmentations are broken by such bits. `portable_digits` avoids that.

    Args:
        state: Parsed tokenizer.json.

    Returns:
        JSON, one piece of the vocabulary a line.
    """
    if state_kind(state) != "unigram":
        return json.dumps(state, ensure_ascii=False) + "\n"
    rest = json.dumps({**state, "model": None}, ensure_ascii=False)
    model = {key: value for key, value in state["model"].items() if key != "vocab"}
    model_text = json.dumps(model, ensure_ascii=False)[:-1] + ', "vocab": ['
    pieces = ",\n".join(
        f"[{json.dumps(piece, ensure_ascii=False)}, {portable_digits(score)}]"
        for piece, score in state["model"]["vocab"]
    )
    before, after = rest.rsplit('"model": null', 1)
    return f'{before}"model": {model_text}{pieces}]}}{after}\n'


def model_tokens(state: State) -> dict[int, str]:
    """List the tokens of the model's own vocabulary by id."""
    vocab = state["model"]["vocab"]
    if isinstance(vocab, dict):
        return {token_id: token for token, token_id in vocab.items()}
    return {token_id: piece for token_id, (piece, _) in enumerate(vocab)}


def all_tokens(state: State) -> dict[int, str]:
    """List every token by id, added ones too."""
    added = {token["id"]: token["content"] for token in state["added_tokens"]}
    return {**model_tokens(state), **added}


def is_byte_level(state: State) -> bool:
    """Say whether text is turned into bytes, written as 256 letters, before it is split."""
    parts = (state["normalizer"], state["pre_tokenizer"])
    return any(kind == "ByteLevel" for part in parts for kind in _component_types(part))


def byte_letters() -> list[str]:
    """List the letters of byte-level tokenizers by byte: visible ones stand for themselves."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in visible)
    moved = {byte: chr(0x100 + index) for index, byte in enumerate(others)}
    return [moved.get(byte, chr(byte)) for byte in range(256)]


def _component_types(component: Any) -> Iterator[str]:  # noqa: ANN401  (any JSON value)
    if isinstance(component, dict):
        yield component.get("type", "")
        children: Sequence[Any] = list(component.values())
    else:
        children = component if isinstance(component, list) else []
    for child in children:
        yield from _component_types(child)
