"""Gathering the rows of every tensor that has a vocabulary axis."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.errors import TokenIdRangeError
from tinyglot.surgery.copies import copy_model


def select_rows(weight: Tensor, kept_token_ids: Tensor) -> Tensor:
    """Copy the embedding rows of the kept tokens, in the given order.

    Row ``i`` of the result is row ``kept_token_ids[i]`` of ``weight``, so new token id ``i``
    keeps the vector of old token id ``kept_token_ids[i]``. ``weight`` is not modified.

    Args:
        weight: One row per old token id: a matrix [vocab, hidden], or a bias [vocab].
        kept_token_ids: Old token ids [kept], each in ``[0, vocab)``, no duplicates.

    Returns:
        A new tensor on the same device with the same dtype, outside the gradient graph.

    Raises:
        TokenIdRangeError: If any id is negative or not smaller than ``vocab``, or occurs twice.

    References:
        Abdaoui et al. (2020), Load What You Need, section 3.

    Example:
        >>> weight = torch.arange(6.0).reshape(3, 2)
        >>> select_rows(weight, torch.tensor([2, 0]))
        tensor([[4., 5.],
                [0., 1.]])
    """
    _check_ids(kept_token_ids, weight.shape[0])
    return weight.detach().index_select(0, kept_token_ids.to(weight.device))


def gather_vocabulary(model: PreTrainedModel, new_id_to_old_id: Tensor) -> PreTrainedModel:
    """Give the model a vocabulary in which token ``i`` is the old token ``new_id_to_old_id[i]``.

    Every tensor with a vocabulary axis is gathered (word embeddings, LM head, its biases), ties
    stay, and padding index, ``vocab_size`` and the token ids of the configuration follow. On kept
    tokens the new model computes bit for bit what the old one did. ``model`` is not modified.

    A token id of the configuration that lies outside the old vocabulary names no row, before or
    after, and is left as it is.

    Args:
        model: A model of a supported family, with or without a head.
        new_id_to_old_id: Old token ids [kept], no duplicates.

    Returns:
        A new model with ``kept`` token ids.

    Raises:
        TokenIdRangeError: If an id is outside the vocabulary or occurs twice, if a token of the
            configuration is not kept, or if a token would move that must keep its id.

    Cost:
        The old tensors with a vocabulary axis are not copied.
    """
    old = view(model)
    _check_ids(new_id_to_old_id, old.num_token_ids)
    new_ids = _new_ids(new_id_to_old_id)
    _check_needed_ids(old, new_ids)
    new = view(copy_model(model, _gathered(old, new_id_to_old_id)))
    _resize_modules(new, new_ids)
    _remap_config(new.config, len(new_id_to_old_id), new.token_id_fields(), new_ids)
    return new.model


def needed_token_ids(model: PreTrainedModel) -> frozenset[int]:
    """List the token ids that `gather_vocabulary` refuses to lose.

    Args:
        model: A model of a supported family.

    Returns:
        The padding id, token ids of the configuration that are in the vocabulary, and ids that
        must keep their number.
    """
    encoder = view(model)
    named = (token_id for _, token_id in _needed_ids(encoder))
    return frozenset(encoder.pinned_token_ids).union(named)


def _gathered(old: EncoderView, new_id_to_old_id: Tensor) -> dict[Tensor, Tensor]:
    tensors = old.named_tensors()
    distinct = {tensors[name] for name, _ in old.vocabulary_tensors()}
    return {tensor: _select_parameter(tensor, new_id_to_old_id) for tensor in distinct}


def _select_parameter(tensor: Tensor, ids: Tensor) -> Tensor:
    rows = select_rows(tensor, ids)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(rows, requires_grad=tensor.requires_grad)
    return rows


def _new_ids(new_id_to_old_id: Tensor) -> dict[int, int]:
    """Map old ids to new ones; old ids that are not kept are missing."""
    return {old_id: new_id for new_id, old_id in enumerate(new_id_to_old_id.tolist())}


def _resize_modules(new: EncoderView, new_ids: dict[int, int]) -> None:
    """Set the sizes that embedding and linear modules store beside their weights."""
    for name, _ in new.vocabulary_tensors():
        module = new.model.get_submodule(name.rpartition(".")[0])
        if isinstance(module, nn.Embedding):
            module.num_embeddings = module.weight.shape[0]
            if module.padding_idx is not None:
                module.padding_idx = new_ids[module.padding_idx]
        elif isinstance(module, nn.Linear):
            module.out_features = module.weight.shape[0]


def _remap_config(
    config: PreTrainedConfig, size: int, fields: tuple[str, ...], new_ids: dict[int, int]
) -> None:
    config.vocab_size = size
    for field in fields:
        value = getattr(config, field)
        if isinstance(value, int):
            setattr(config, field, new_ids.get(value, value))
        else:
            setattr(config, field, [new_ids.get(token_id, token_id) for token_id in value])


# --- checks ------------------------------------------------------------------------------------


def _check_ids(ids: Tensor, num_token_ids: int) -> None:
    outside = ids[(ids < 0) | (ids >= num_token_ids)]
    if len(outside):
        raise TokenIdRangeError(
            f"Could not keep {len(outside)} token id(s): not in the vocabulary.",
            got=f"token id {int(outside[0])}",
            expected=f"ids in [0, {num_token_ids})",
            fix="build the ids with the tokenizer saved next to this model",
        )
    counts = torch.bincount(ids, minlength=1)
    if len(ids) == 0 or int(counts.max()) > 1:
        doubled = torch.nonzero(counts > 1).flatten()
        raise TokenIdRangeError(
            "Could not keep the token ids: each may be kept once, and at least one must be.",
            got=f"{len(ids)} id(s)"
            + (f", token id {int(doubled[0])} more than once" if len(doubled) else ""),
            expected="one or more different ids",
            fix="sort the ids and remove duplicates",
        )


def _check_needed_ids(old: EncoderView, new_ids: dict[int, int]) -> None:
    missing = [f"{field} = {old_id}" for field, old_id in _needed_ids(old) if old_id not in new_ids]
    if missing:
        raise TokenIdRangeError(
            f"Could not keep the token ids: {len(missing)} token(s) of the configuration "
            "would be lost.",
            got=", ".join(missing),
            expected="kept ids that contain every special token",
            fix="add tinyglot.tokenizers.required_token_ids(tokenizer) to the kept ids",
        )
    moved = [old_id for old_id in old.pinned_token_ids if new_ids.get(old_id) != old_id]
    if moved:
        raise TokenIdRangeError(
            f"Could not keep the token ids: {len(moved)} token(s) that must keep their id "
            "would move.",
            got=f"token id {moved[0]} at {new_ids.get(moved[0], 'no place')}",
            expected=f"ids {', '.join(map(str, old.pinned_token_ids))} first and in this order: "
            f"{old.family} counts positions from the padding id",
            fix="start the kept ids with view(model).pinned_token_ids",
        )


def _needed_ids(old: EncoderView) -> Iterator[tuple[str, int]]:
    """Name the ids that the model or its configuration refers to, if they are in range."""
    if old.word_embeddings.padding_idx is not None:
        yield "padding_idx", old.word_embeddings.padding_idx
    for field in old.token_id_fields():
        value = getattr(old.config, field)
        for token_id in [value] if isinstance(value, int) else value:
            if 0 <= token_id < old.num_token_ids:
                yield field, token_id
