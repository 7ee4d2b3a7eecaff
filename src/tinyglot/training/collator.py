"""From sentences of token ids to padded tensors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyglot.tasks import IGNORED_LABEL

IntArray = NDArray[np.int64]


class TrainingExample(Protocol):
    """One sequence with a label for every token; ``-100`` where there is none."""

    @property
    def input_ids(self) -> Sequence[int] | IntArray:
        """Token ids, special tokens included."""

    @property
    def labels(self) -> Sequence[int] | IntArray:
        """Label ids, as many as token ids."""


class PaddingCollator:
    """Pad sequences to the longest of their batch; usable as any Trainer's ``data_collator``.

    Args:
        pad_token_id: Fills ``input_ids``; labels are filled with ``-100``.
        multiple_of: The padded length is rounded up to a multiple of this many tokens.
    """

    def __init__(self, pad_token_id: int, multiple_of: int = 1) -> None:
        self._pad_token_id = pad_token_id
        self._multiple_of = multiple_of

    def __call__(self, examples: Sequence[TrainingExample]) -> dict[str, Tensor]:
        """Make one batch.

        Args:
            examples: At least one.

        Returns:
            ``input_ids``, ``attention_mask`` and ``labels``, each of shape (batch, seq).
        """
        longest = max(len(example.input_ids) for example in examples)
        shape = len(examples), -(-longest // self._multiple_of) * self._multiple_of
        input_ids = np.full(shape, self._pad_token_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        labels = np.full(shape, IGNORED_LABEL, dtype=np.int64)
        for row, example in enumerate(examples):
            length = len(example.input_ids)
            input_ids[row, :length] = example.input_ids
            mask[row, :length] = 1
            labels[row, :length] = example.labels
        arrays = {"input_ids": input_ids, "attention_mask": mask, "labels": labels}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}
