"""Recognising that two models compute the same, whatever their token ids and files."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinyglot.evaluation.predict import Predictor

RELATIVE_TOLERANCE = 1e-4


class RecordedOutputs:
    """A model that remembers how large its outputs for each sequence were.

    Args:
        predictor: The model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._sizes: list[NDArray[np.float64]] = []

    def __call__(self, batch: Mapping[str, NDArray[np.int64]], /) -> NDArray[np.float32]:
        """Run the model.

        Args:
            batch: ``input_ids`` and ``attention_mask``, each of shape (batch, seq).

        Returns:
            What the model gives.
        """
        outputs = self._predictor(batch)
        sizes = np.abs(outputs).sum(axis=-1, dtype=np.float64)
        if sizes.ndim > 1:
            sizes = (sizes * batch["attention_mask"]).sum(axis=-1)
        self._sizes.append(sizes)
        return outputs

    def are_those_of(self, other: "RecordedOutputs") -> bool:
        """Tell whether another model gave the same for the same sequences, up to rounding.

        Sequences are compared in the order of their outputs' sizes, since models with other token
        ids see them in another order. Models after exact trimming, or in another format, agree to
        about 1e-6; the tolerance is 1e-4.

        Args:
            other: A model that ran on the same examples.

        Returns:
            Whether no sequence differs.
        """
        first, second = (np.sort(np.concatenate([np.empty(0), *m._sizes])) for m in (self, other))
        return first.shape == second.shape and bool(
            np.isclose(first, second, rtol=RELATIVE_TOLERANCE, atol=0.0).all()
        )
