"""Recognising that two models compute the same, whatever their token ids and files."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinyglot.evaluation.predict import Predictor

RELATIVE_TOLERANCE = 1e-4
Array = NDArray[np.float64]


class RecordedOutputs:
    """A model that remembers two numbers of its outputs for each sequence.

    One is their size (the sum of absolute values), one a weighted sum in which every label and
    every position has a weight of its own, so that turned signs and swapped labels show.

    Args:
        predictor: The model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._sizes: list[Array] = []
        self._sums: list[Array] = []

    def __call__(self, batch: Mapping[str, NDArray[np.int64]], /) -> NDArray[np.float32]:
        """Run the model.

        Args:
            batch: ``input_ids`` and ``attention_mask``, each of shape (batch, seq).

        Returns:
            What the model gives.
        """
        outputs = self._predictor(batch)
        sizes = np.abs(outputs).sum(axis=-1, dtype=np.float64)
        sums = outputs @ _weights(outputs.shape[-1])
        if sizes.ndim > 1:
            mask = batch["attention_mask"]
            sizes, sums = (sizes * mask).sum(axis=-1), (sums * mask) @ _weights(mask.shape[-1])
        self._sizes.append(sizes)
        self._sums.append(sums)
        return outputs

    def are_those_of(self, other: "RecordedOutputs") -> bool:
        """Tell whether another model gave the same for the same sequences, up to rounding.

        Sequences are compared in the order of these numbers, since models with other token ids
        see them in another order. Models after exact trimming, or in another format, agree to
        about 1e-6; the tolerance is 1e-4 of the size.

        Args:
            other: A model that ran on the same examples.

        Returns:
            Whether no sequence differs.
        """
        (sizes, sums), (other_sizes, other_sums) = self._numbers(), other._numbers()
        if sizes.shape != other_sizes.shape:
            return False
        by_size, by_sum = np.sort(sizes), np.argsort(sums, kind="stable")
        other_by_sum = np.argsort(other_sums, kind="stable")
        return _is_close(by_size, np.sort(other_sizes), by_size) and _is_close(
            sums[by_sum], other_sums[other_by_sum], sizes[by_sum]
        )

    def _numbers(self) -> tuple[Array, Array]:
        """Give the numbers of all sequences in the order in which the model saw them."""
        sizes, sums = (np.concatenate([np.empty(0), *m]) for m in (self._sizes, self._sums))
        return sizes, sums


def _is_close(first: Array, second: Array, scale: Array) -> bool:
    return bool((np.abs(first - second) <= RELATIVE_TOLERANCE * scale).all())


def _weights(length: int) -> Array:
    """Give fixed weights from 1 to 3, none like another."""
    weights: Array = 2.0 + np.cos(np.arange(length, dtype=np.float64))
    return weights
