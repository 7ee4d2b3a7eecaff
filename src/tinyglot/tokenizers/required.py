"""Which tokens a tokenizer cannot lose: the special ones, and what unknown text falls back on."""

from collections.abc import Iterator

from pydantic import TypeAdapter, ValidationError
from skeletoken.post_processors import (
    PostProcessor,
    PostProcessorDiscriminator,
    get_tokens_from_post_processor,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from tinyglot.errors import UnsupportedTokenizerError
from tinyglot.tokenizers.state import (
    State,
    all_tokens,
    byte_letters,
    is_byte_level,
    read_state,
    state_kind,
)

_POST_PROCESSOR: TypeAdapter[PostProcessor] = TypeAdapter(PostProcessorDiscriminator)


def required_token_ids(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """List the tokens that a trimmed tokenizer must keep.

    These are the special and the added tokens, the unknown token, the 256 bytes where the
    tokenizer works with bytes, and for Unigram the piece with the lowest score: the price of an
    unknown character is that score less 10, so without it text with an unknown character could
    be split in another way.

    Args:
        tokenizer: A fast tokenizer; not changed.

    Returns:
        Token ids.

    Raises:
        UnsupportedTokenizerError: If the tokenizer cannot be edited.
    """
    return required_ids(tokenizer, read_state(tokenizer))


def required_ids(tokenizer: PreTrainedTokenizerFast, state: State) -> frozenset[int]:
    """List what `required_token_ids` does, from a state that was read before."""
    ids = {token: token_id for token_id, token in all_tokens(state).items()}
    names = {*_special_names(tokenizer, state), *_fallback_names(state)}
    required = {ids[name] for name in names if name in ids}
    if state_kind(state) == "unigram":
        required |= _unigram_ids(state)
    return frozenset(required)


def unknown_token_ids(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """List the tokens that characters become which the tokenizer has no piece for.

    These are the unknown token and, where the tokenizer works with bytes instead, the bytes:
    ``<0xE1>`` and the like, or the lone bytes of longer characters in byte-level tokenizers.

    Args:
        tokenizer: A fast tokenizer; not changed.

    Returns:
        Token ids.

    Raises:
        UnsupportedTokenizerError: If the tokenizer cannot be edited.
    """
    return unknown_ids(tokenizer, read_state(tokenizer))


def unknown_ids(tokenizer: PreTrainedTokenizerFast, state: State) -> frozenset[int]:
    """List what `unknown_token_ids` does, from a state that was read before."""
    ids = {token: token_id for token_id, token in all_tokens(state).items()}
    names = {*_unknown_bytes(state), str(tokenizer.unk_token), state["model"].get("unk_token")}
    of_unigram = {state["model"].get("unk_id")} - {None}
    return frozenset(of_unigram.union(ids[name] for name in names if name in ids))


def read_post_processor(state: State) -> PostProcessor | None:
    """Read the part that adds special tokens around the text, as skeletoken's model of it."""
    if state["post_processor"] is None:
        return None
    try:
        return _POST_PROCESSOR.validate_python(state["post_processor"])
    except ValidationError as error:
        raise UnsupportedTokenizerError(
            "Could not edit the tokenizer: the ids in its post-processor are in an unknown form.",
            got=state["post_processor"].get("type"),
            expected="TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence",
            fix="replace backend_tokenizer.post_processor by a TemplateProcessing",
        ) from error


def _special_names(tokenizer: PreTrainedTokenizerFast, state: State) -> Iterator[str]:
    yield from tokenizer.all_special_tokens
    yield from (token["content"] for token in state["added_tokens"])
    yield state["model"].get("unk_token") or ""
    processor = read_post_processor(state)
    if processor is not None:
        yield from get_tokens_from_post_processor(processor)


def _fallback_names(state: State) -> Iterator[str]:
    if state["model"].get("byte_fallback"):
        yield from (f"<0x{byte:02X}>" for byte in range(256))
    if is_byte_level(state):
        prefix = state["model"].get("continuing_subword_prefix") or ""
        for letter in ByteLevel.alphabet():
            yield from (letter, prefix + letter)


def _unknown_bytes(state: State) -> Iterator[str]:
    """Name the tokens of all bytes, or those that are no whole character in a byte-level one."""
    if state["model"].get("byte_fallback"):
        yield from (f"<0x{byte:02X}>" for byte in range(256))
    if is_byte_level(state):
        yield from byte_letters()[0x80:]


def _unigram_ids(state: State) -> set[int]:
    vocab, unk_id = state["model"]["vocab"], state["model"]["unk_id"]
    lowest = min(range(len(vocab)), key=lambda token_id: float(vocab[token_id][1]))
    return {lowest} if unk_id is None else {lowest, unk_id}
