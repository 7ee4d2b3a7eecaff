"""Embedding rows that are not trained: their weights count, and go in the end."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.training import ActiveVocabulary


@dataclass(frozen=True, eq=False)
class FrozenRows:
    """The rows of a word embedding that are no part of the active vocabulary.

    They keep their values during the whole training, so that those that are removed are always
    the first ones in the order of magnitude.

    Attributes:
        name: The parameter's name in the model with the head.
        rows: True for rows that are not trained.
        magnitudes: Of their weights, increasing, in float32.
    """

    name: str
    rows: Tensor
    magnitudes: Tensor

    @classmethod
    def of(cls, model: PreTrainedModel, active: ActiveVocabulary) -> "FrozenRows":
        """Collect the weights that are not trained.

        Args:
            model: The full model with its head. It is not changed.
            active: The rows that are trained.

        Returns:
            The other rows' magnitudes.

        Cost:
            Four bytes a weight of these rows, twice while they are sorted.
        """
        parts = view(model)
        rows = torch.ones(parts.num_token_ids, dtype=torch.bool)
        rows[active.new_id_to_old_id] = False
        values = _magnitudes(parts.word_embeddings.weight, rows).numpy()
        name = parts.vocabulary_tensors()[0].name
        return cls(name, rows, torch.from_numpy(np.sort(values)))

    @torch.no_grad()
    def remove(self, model: PreTrainedModel, num_removed: int) -> None:
        """Set the smallest weights to zero, ties in the order of their places; in place.

        Args:
            model: The full model with the trained rows put back.
            num_removed: Exactly how many.
        """
        if not num_removed:
            return
        weight = view(model).word_embeddings.weight
        largest = float(self.magnitudes[num_removed - 1])
        magnitudes = _magnitudes(weight, self.rows)
        removed = magnitudes < largest
        num_ties = num_removed - int(removed.count_nonzero())
        removed[(magnitudes == largest).nonzero().flatten()[:num_ties]] = True
        rows = self.rows.to(weight.device)
        kept = weight[rows].masked_fill(removed.view(-1, weight.shape[1]).to(weight.device), 0.0)
        weight[rows] = kept


def _magnitudes(weight: Tensor, rows: Tensor) -> Tensor:
    return weight.detach().cpu()[rows].float().abs_().flatten()
