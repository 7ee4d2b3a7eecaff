"""From sentences of token ids to padded tensors."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinyglot.tasks import IGNORED_LABEL

IntArray = NDArray[np.int64]


class TrainingExample(Protocol):
    """One sequence with its labels; ``-100`` where there is none."""

    @property
    def input_ids(self) -> Sequence[int] | IntArray:
        """Token ids, special tokens included."""

    @property
    def labels(self) -> Sequence[int] | IntArray:
        """Label ids, as many as token ids; or one, or a few positions, for the whole sequence."""


@runtime_checkable
class StoredExamples(Protocol):
    """Sequences that lie on the disk and are read one by one, so that memory need not hold them."""

    @property
    def lengths(self) -> IntArray:
        """Token ids of each sequence."""

    @property
    def digest(self) -> str:
        """Differs if any token or label does."""

    def __len__(self) -> int:
        """Count the sequences."""

    def __getitem__(self, index: int) -> TrainingExample:
        """Read one sequence."""


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
            ``input_ids``, ``attention_mask`` and, where examples have them, ``token_type_ids``,
            each of shape (batch, seq); ``labels`` of that shape, or (batch, labels a sequence).
        """
        ids = [example.input_ids for example in examples]
        longest = max(map(len, ids))
        width = -(-longest // self._multiple_of) * self._multiple_of
        num_labels = max(len(example.labels) for example in examples)
        arrays = {
            "input_ids": _padded(ids, self._pad_token_id, width),
            "attention_mask": _padded([np.ones(len(row)) for row in ids], 0, width),
            "labels": _padded(
                [example.labels for example in examples],
                IGNORED_LABEL,
                width if num_labels == longest else num_labels,
            ),
        }
        types = [getattr(example, "token_type_ids", None) for example in examples]
        if any(row is not None for row in types):
            arrays["token_type_ids"] = _padded([() if t is None else t for t in types], 0, width)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _padded(rows: Sequence[Sequence[int] | NDArray[Any]], filler: int, width: int) -> IntArray:
    padded = np.full((len(rows), width), filler, dtype=np.int64)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return padded
