"""Training on the embedding rows that the data use, and putting them back where they came from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.errors import TokenIdRangeError, UnsupportedArchitectureError
from tinyglot.surgery import copy_model, gather_vocabulary
from tinyglot.training.collator import IntArray


@dataclass(frozen=True, eq=False)
class ActiveVocabulary:
    """The token ids that occur, numbered anew without gaps.

    Rows of tokens that never occur get no gradient, so AdamW leaves them as they are as long as
    they are not decayed. Training without them is the same training, only faster: the dense
    gradient, the two moments and the clipping of a 250,000-row matrix are most of a small
    model's step. Exact where nothing looks at the whole vocabulary (no masked-LM or logit loss)
    and the embeddings have no weight decay.

    Attributes:
        new_id_to_old_id: Row ``i`` of the small embedding is this row of the full one; increasing.
        vocabulary_size: Rows of the full embedding.
    """

    new_id_to_old_id: Tensor
    vocabulary_size: int

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        id_lists: Iterable[Sequence[int] | IntArray],
        extra: Iterable[int] = (),
    ) -> Self:
        """Collect the ids that occur, and those the model itself needs.

        Args:
            model: A model without an LM head. It is not changed.
            id_lists: Token ids of every training and evaluation sequence.
            extra: Further ids to keep.

        Returns:
            The active vocabulary: all ids given, the token ids in the model's configuration, and
            the ids that may not move.

        Raises:
            TokenIdRangeError: If an id is not in the model's vocabulary.
            UnsupportedArchitectureError: If the model predicts over the whole vocabulary.
        """
        parts = view(model)
        if parts.lm_head is not None:
            raise _looks_at_all_rows(model)
        active = np.zeros(parts.num_token_ids, dtype=bool)
        for ids in (*id_lists, list(extra), _own_ids(parts)):
            _mark(active, np.asarray(ids, dtype=np.int64))
        return cls(torch.from_numpy(np.flatnonzero(active)), len(active))

    def __len__(self) -> int:
        return len(self.new_id_to_old_id)

    def shrink(self, model: PreTrainedModel) -> PreTrainedModel:
        """Copy a model with the active rows only.

        Args:
            model: The full model. It is not changed.

        Returns:
            A model for remapped ids; ``padding_idx`` and the configuration's token ids follow.

        Raises:
            TokenIdRangeError: If the model has another vocabulary size.
        """
        self._check_size(view(model).num_token_ids, self.vocabulary_size)
        return gather_vocabulary(model, self.new_id_to_old_id)

    def remap(self, token_ids: Sequence[int] | IntArray) -> IntArray:
        """Translate token ids of the full model to those of the small one.

        Args:
            token_ids: Old ids.

        Returns:
            New ids, as int64.

        Raises:
            TokenIdRangeError: If an id is not active.
        """
        old_ids = np.asarray(token_ids, dtype=np.int64)
        active = self.new_id_to_old_id.numpy()
        new_ids = np.searchsorted(active, old_ids)
        wrong = active[np.minimum(new_ids, len(active) - 1)] != old_ids
        if wrong.any():
            raise TokenIdRangeError(
                f"Could not remap {int(wrong.sum())} token id(s): they are not active.",
                got=f"token id {int(old_ids[wrong][0])}",
                expected=f"one of the {len(active)} ids collected from the data",
                fix="give these sequences to ActiveVocabulary.of too",
            )
        return new_ids

    def restore(self, trained: PreTrainedModel, original: PreTrainedModel) -> PreTrainedModel:
        """Put the trained rows back into the full embedding.

        Args:
            trained: What ``shrink`` gave, after training. It is not changed.
            original: The full model that was shrunk. It is not changed.

        Returns:
            A model of the original's shape: rows that are not active are the original's, all
            other values are the trained ones.

        Raises:
            TokenIdRangeError: If the models do not belong to this active vocabulary.
        """
        self._check_size(view(original).num_token_ids, self.vocabulary_size)
        self._check_size(view(trained).num_token_ids, len(self))
        embedding = view(original).word_embeddings.weight
        values = dict(trained.named_parameters())
        replacements = {
            parameter: nn.Parameter(
                self._full(embedding, values[name])
                if parameter is embedding
                else values[name].detach().to(parameter.device, copy=True),
                requires_grad=parameter.requires_grad,
            )
            for name, parameter in original.named_parameters()
        }
        return copy_model(original, replacements)

    def _full(self, embedding: Tensor, rows: Tensor) -> Tensor:
        full = embedding.detach().to(rows.dtype, copy=True)
        full[self.new_id_to_old_id.to(full.device)] = rows.detach().to(full.device)
        return full

    @staticmethod
    def _check_size(num_rows: int, expected: int) -> None:
        if num_rows != expected:
            raise TokenIdRangeError(
                "Could not exchange embedding rows: the model has another vocabulary.",
                got=f"{num_rows} rows",
                expected=f"{expected} rows",
                fix="use the model that this ActiveVocabulary was made from",
            )


def _own_ids(parts: EncoderView) -> list[int]:
    """Ids that the model or its configuration refers to, if they are in range."""
    values = [getattr(parts.config, field) for field in parts.token_id_fields()]
    ids = [token_id for value in values for token_id in np.atleast_1d(value).tolist()]
    if parts.word_embeddings.padding_idx is not None:
        ids.append(parts.word_embeddings.padding_idx)
    return [*parts.pinned_token_ids, *(i for i in ids if 0 <= i < parts.num_token_ids)]


def _mark(active: np.ndarray, ids: np.ndarray) -> None:
    outside = ids[(ids < 0) | (ids >= len(active))]
    if len(outside):
        raise TokenIdRangeError(
            f"Could not use {len(outside)} token id(s): not in the vocabulary.",
            got=f"token id {int(outside[0])}",
            expected=f"ids in [0, {len(active)})",
            fix="encode the text with the tokenizer saved next to this model",
        )
    active[ids] = True


def _looks_at_all_rows(model: PreTrainedModel) -> UnsupportedArchitectureError:
    return UnsupportedArchitectureError(
        "Could not train on an active vocabulary: the model predicts over all token ids.",
        got=type(model).__name__,
        expected="a model without an LM head",
        fix="trim the vocabulary first, or train with active_vocabulary: false",
    )
