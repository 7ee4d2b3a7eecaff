"""Tokenizers on disk, such that AutoTokenizer in another process gives the same one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tinyglot.errors import (
    ModelNotFoundError,
    TokenizerChangedError,
    UnsafeCheckpointError,
    UnsupportedTokenizerError,
)
from tinyglot.files import write_json, write_text
from tinyglot.tokenizers.rebuild import settings_of
from tinyglot.tokenizers.samples import HARD_SAMPLES
from tinyglot.tokenizers.state import read_state, state_text, tokenizer_kind

_GENERAL_CLASS = "PreTrainedTokenizerFast"
"""The name that transformers 4 and 5 both know for "tokenizer.json as it is"."""


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json so that a reload gives the same tokenizer.

    The configuration names the general class. With a special one, transformers 5 would build
    normalizer and pre-tokenizer anew from the defaults of that class: a cased multilingual BERT
    comes back lower-casing. Nothing of a truncation or padding that was in use is written. Call
    `verify_tokenizer` when the model's config.json is there too, because AutoTokenizer reads it.

    Args:
        tokenizer: A fast tokenizer with WordPiece, BPE or Unigram; not changed.
        directory: Where the files go; made if it is not there.

    Raises:
        UnsupportedTokenizerError: If a part of the tokenizer cannot be written down.
        DiskFullError: If the disk is full.
    """
    text = state_text(read_state(tokenizer))
    write_text(directory / "tokenizer.json", text)
    write_json(directory / "tokenizer_config.json", _configuration(tokenizer))


def load_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """Load a tokenizer as AutoTokenizer does, without running code from the directory.

    Args:
        directory: A checkpoint, or a directory with only a tokenizer.

    Returns:
        A fast tokenizer.

    Raises:
        ModelNotFoundError: If the directory is not there.
        UnsafeCheckpointError: If the tokenizer wants to run its own code.
        UnsupportedTokenizerError: If there is no fast tokenizer, or its algorithm is not
            supported.
    """
    if not directory.is_dir():
        raise ModelNotFoundError(
            "Could not load a tokenizer: there is no such directory.",
            got=directory,
            expected="a directory with tokenizer.json and tokenizer_config.json",
            fix="give the directory of a checkpoint",
        )
    tokenizer: PreTrainedTokenizerFast = _load(directory)
    tokenizer_kind(tokenizer)
    return tokenizer


def _load(directory: Path) -> Any:  # noqa: ANN401  (whichever class AutoTokenizer chooses)
    try:
        return AutoTokenizer.from_pretrained(directory, trust_remote_code=False)
    except Exception as error:  # AutoTokenizer lets everything through, Rust panics apart
        if "trust_remote_code" in str(error):
            raise UnsafeCheckpointError(
                "Could not load the tokenizer: it wants to run its own code.",
                got=f"auto_map in {directory / 'tokenizer_config.json'}",
                expected="a tokenizer of transformers",
                fix="convert it to a tokenizer.json where you trust that code",
            ) from error
        raise UnsupportedTokenizerError(
            "Could not load the tokenizer: transformers cannot read it.",
            got=f"{directory}: {str(error).splitlines()[0] if str(error) else error!r}",
            expected="tokenizer.json and tokenizer_config.json of a fast tokenizer",
            fix="save it again with tokenizer.save_pretrained, from the library it was made with",
        ) from error


def verify_tokenizer(
    directory: Path, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]
) -> None:
    """Load a saved tokenizer again and compare it with the one it was saved from.

    Compared are the vocabulary, the settings (special tokens, lengths, sides) and the token ids
    of ``texts`` and of built-in samples: accents, upper case, joiners, some thirty scripts.

    Args:
        directory: Where it was saved, together with the model's config.json if there is one.
        tokenizer: What it was saved from.
        texts: Further texts, one a line.

    Raises:
        TokenizerChangedError: If anything differs.
        ModelNotFoundError: If the directory is not there.
        UnsafeCheckpointError: If the tokenizer wants to run its own code.
        UnsupportedTokenizerError: If it cannot be loaded.
    """
    reloaded = load_tokenizer(directory)
    for problem, before, after in _differences(tokenizer, reloaded, (*HARD_SAMPLES, *texts)):
        raise TokenizerChangedError(
            f"Could not save the tokenizer: loaded again, {problem}.",
            got=after,
            expected=before,
            fix="remove other tokenizer files from the directory and save it again",
        )


def file_differences(
    directory: Path, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str] = ()
) -> tuple[str, ...]:
    """List texts that tokenizer.json alone splits otherwise than the loaded tokenizer.

    transformers 5 builds some tokenizers from the defaults of their class. Where this list is not
    empty, the tokenizer that a model was trained with may be the one in the file; then
    ``"tokenizer_class": "PreTrainedTokenizerFast"`` in tokenizer_config.json brings it back.

    Args:
        directory: Where the tokenizer was loaded from.
        tokenizer: What `load_tokenizer` made of it.
        texts: Further texts, besides the built-in samples.

    Returns:
        The texts that come out differently; none if there is no tokenizer.json.
    """
    if not (directory / "tokenizer.json").is_file():
        return ()
    alone = Tokenizer.from_file(str(directory / "tokenizer.json"))
    alone.no_truncation()
    alone.no_padding()
    samples = [*HARD_SAMPLES, *texts]
    ids = (encoding.ids for encoding in alone.encode_batch(samples))
    pairs = zip(samples, ids, _encode(tokenizer, samples), strict=True)
    return tuple(text for text, from_file, loaded in pairs if from_file != loaded)


def _configuration(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    settings = settings_of(tokenizer)
    # the name that transformers 4 knows as well
    extra = settings.pop("extra_special_tokens", None)
    if extra:
        settings["additional_special_tokens"] = extra
    return {**settings, "tokenizer_class": _GENERAL_CLASS}


def _differences(
    old: PreTrainedTokenizerFast, new: PreTrainedTokenizerFast, texts: Sequence[str]
) -> Iterator[tuple[str, object, object]]:
    """Name each difference, with what it was and what it became."""
    before, after = settings_of(old), settings_of(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"its {name} is another one", before.get(name), after.get(name)
    changed = old.get_vocab().items() ^ new.get_vocab().items()
    if changed:
        yield "its vocabulary is another one", f"{len(old)} tokens", min(changed)
    for text, ids, new_ids in zip(texts, _encode(old, texts), _encode(new, texts), strict=True):
        if ids != new_ids:
            names = old.convert_ids_to_tokens(ids), new.convert_ids_to_tokens(new_ids)
            yield f"it splits {text[:60]!r} otherwise", *names


def _encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[list[int]]:
    # verbose would report texts that are longer than the model allows
    encoded = tokenizer(list(texts), padding=False, truncation=False, verbose=False)
    ids: list[list[int]] = encoded.input_ids
    return ids
