"""A smaller tokenizer out of a larger one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from skeletoken.post_processors import resync_post_processor_ids
from transformers import PreTrainedTokenizerFast

from tinyglot.errors import TokenIdRangeError, UnsupportedTokenizerError
from tinyglot.tokenizers.closure import closure_of
from tinyglot.tokenizers.rebuild import rebuild
from tinyglot.tokenizers.required import read_post_processor, required_ids
from tinyglot.tokenizers.state import (
    State,
    all_tokens,
    is_byte_level,
    model_tokens,
    read_state,
    state_kind,
)


def trim_tokenizer(
    tokenizer: PreTrainedTokenizerFast, kept_token_ids: Sequence[int]
) -> PreTrainedTokenizerFast:
    """Make a tokenizer whose token ``i`` is the old token ``kept_token_ids[i]``.

    Text whose tokens are all kept is split into the same pieces as before, with one exception:
    where WordPiece gave up on a word and made it the unknown token, it may now find pieces,
    because the longest match that led it astray is gone. The input is not changed.

    Args:
        tokenizer: A fast tokenizer with WordPiece, BPE or Unigram.
        kept_token_ids: Old token ids, closed (`close_token_ids`) and with all of
            `required_token_ids`. Added tokens that are not in the model's own vocabulary come
            last, in their old order, as they do in ascending ids.

    Returns:
        A tokenizer of the general class, with the same settings.

    Raises:
        TokenIdRangeError: If an id is not in the vocabulary, occurs twice, is out of order, or if
            one that must stay is missing.
        UnsupportedTokenizerError: If the tokenizer cannot be edited.

    Cost:
        CPU time when a tenth is kept: one second for 250,000 Unigram pieces, three for 256,000 BPE
        tokens with 320,000 merges.

    References:
        Abdaoui et al. (2020), Load What You Need, section 3.
    """
    return trimmed(tokenizer, read_state(tokenizer), kept_token_ids)


def trimmed(
    tokenizer: PreTrainedTokenizerFast, state: State, kept_token_ids: Sequence[int]
) -> PreTrainedTokenizerFast:
    """Do what `trim_tokenizer` does, with a state that was read before."""
    kept = [int(token_id) for token_id in kept_token_ids]
    _check_unknown_text(state)
    _check_range(kept, all_tokens(state))
    _check_required(kept, required_ids(tokenizer, state), all_tokens(state))
    _check_closed(kept, state)
    _check_order(kept, state)
    return rebuild(tokenizer, trim_state(state, kept))


# skeletoken edits the post-processor, but does not remove the tokens: it (0.6.1) keeps the order of
# the vocabulary, leaves Unigram's unk_id where it was, moves added tokens into the model, and does
# not find the merges of a BPE that marks the insides of words.
def trim_state(state: State, kept: Sequence[int]) -> State:
    """Give the tokenizer.json of the kept tokens; the ids are right already."""
    new_ids = {old: new for new, old in enumerate(kept)}
    added = [{**token, "id": new_ids[token["id"]]} for token in state["added_tokens"]]
    trimmed = {
        **state,
        "added_tokens": sorted(added, key=lambda token: int(token["id"])),
        "model": {**state["model"], **_trim_model(state, kept, new_ids)},
    }
    processor = read_post_processor(state)
    if processor is not None:
        vocabulary = {token: token_id for token_id, token in all_tokens(trimmed).items()}
        synced = resync_post_processor_ids(processor, vocabulary)
        trimmed["post_processor"] = synced.model_dump(mode="json")
    return trimmed


def _trim_model(state: State, kept: Sequence[int], new_ids: Mapping[int, int]) -> dict[str, Any]:
    """Give the fields of the model that change."""
    model = state["model"]
    if state_kind(state) == "unigram":
        inside = range(len(model["vocab"]))
        unk_id = None if model["unk_id"] is None else new_ids[model["unk_id"]]
        return {"vocab": [model["vocab"][old] for old in kept if old in inside], "unk_id": unk_id}
    tokens = model_tokens(state)
    vocab = {tokens[old]: new for new, old in enumerate(kept) if old in tokens}
    if state_kind(state) == "wordpiece":
        return {"vocab": vocab}
    skip = len(model["continuing_subword_prefix"] or "")
    merges = [
        [left, right]
        for left, right in model["merges"]
        if left in vocab and right in vocab and left + right[skip:] in vocab
    ]
    return {"vocab": vocab, "merges": merges}


def _check_unknown_text(state: State) -> None:
    model = state["model"]
    has_unknown = model.get("unk_token") is not None or model.get("unk_id") is not None
    if not (has_unknown or model.get("byte_fallback") or is_byte_level(state)):
        raise UnsupportedTokenizerError(
            "Could not trim the tokenizer: it has nothing for characters it does not know.",
            got="no unknown token, no byte fallback, not byte-level",
            expected="one of them, or text with a removed character would be lost or would fail",
            fix="set backend_tokenizer.model.unk_token (BPE) or unk_id (Unigram)",
        )


def _check_range(kept: Sequence[int], tokens: Mapping[int, str]) -> None:
    outside = [token_id for token_id in kept if token_id not in tokens]
    if outside:
        raise TokenIdRangeError(
            f"Could not keep {len(outside)} token id(s): not in the vocabulary.",
            got=f"token id {outside[0]}",
            expected=f"ids of the tokenizer's {len(tokens)} tokens, in [0, {max(tokens) + 1})",
            fix="build the ids with the tokenizer saved next to this model",
        )
    repeated = [token_id for token_id, count in Counter(kept).items() if count > 1]
    if repeated:
        raise TokenIdRangeError(
            f"Could not keep {len(repeated)} token id(s): given more than once.",
            got=f"token id {repeated[0]}",
            expected="each id at most once",
            fix="kept_token_ids = sorted(set(kept_token_ids))",
        )


def _check_required(
    kept: Sequence[int], required: frozenset[int], tokens: Mapping[int, str]
) -> None:
    missing = sorted(required.difference(kept))
    if missing:
        raise TokenIdRangeError(
            f"Could not remove {len(missing)} token(s): the tokenizer cannot do without them.",
            got=f"no token id {missing[0]} ({tokens[missing[0]]!r})",
            expected=f"all {len(required)} ids of required_token_ids(tokenizer)",
            fix="add tinyglot.tokenizers.required_token_ids(tokenizer) to the kept ids",
        )


def _check_closed(kept: Sequence[int], state: State) -> None:
    missing = sorted(closure_of(state)(kept).difference(kept))
    if missing:
        token = all_tokens(state)[missing[0]]
        raise TokenIdRangeError(
            f"Could not remove {len(missing)} token(s): kept ones are made from them.",
            got=f"no token id {missing[0]} ({token!r})",
            expected="ids closed under merge parents",
            fix="kept_token_ids = sorted(close_token_ids(tokenizer, kept_token_ids))",
        )


def _check_order(kept: Sequence[int], state: State) -> None:
    """Added tokens outside the model get the ids after it; hidden pieces come before their twin."""
    vocab = state["model"]["vocab"]
    inside = set(vocab.values() if isinstance(vocab, dict) else range(len(vocab)))
    added = [token_id for token_id in kept if token_id not in inside]
    wrong = [] if kept[len(kept) - len(added) :] == sorted(added) else added[:1]
    wrong += _out_of_order_twins(kept, state)
    if wrong:
        raise TokenIdRangeError(
            "Could not order the tokens: tokenizer.json cannot express this order.",
            got=f"token id {wrong[0]} at place {list(kept).index(wrong[0])}",
            expected="added tokens last, equal pieces in their old order",
            fix="kept_token_ids = sorted(kept_token_ids)",
        )


def _out_of_order_twins(kept: Sequence[int], state: State) -> list[int]:
    if state_kind(state) != "unigram":
        return []
    pieces = dict(model_tokens(state))
    newest: dict[str, int] = {}
    wrong = []
    for old in kept:
        if old in pieces and newest.get(pieces[old], -1) > old:
            wrong.append(old)
        newest[pieces.get(old, "")] = old
    return wrong
