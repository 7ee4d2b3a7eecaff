"""Hiding tokens for masked language modelling, anew in every epoch and the same when resumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from tinyglot.errors import UnsupportedTokenizerError
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.collator import IntArray, StoredExamples, TrainingExample

MASK_SHARE = 0.8
RANDOM_SHARE = 0.1


@dataclass(frozen=True)
class Masking:
    """Which tokens are hidden, and what stands in their place.

    Of the hidden tokens, 80 % become the mask token, 10 % a random ordinary token, and 10 % stay.

    Attributes:
        probability: Share of the tokens that are hidden; of every sequence at least one.
        mask_token_id: The mask token.
        vocabulary_size: Token ids that the tokenizer gives.
        special_token_ids: Ids below ``vocabulary_size`` that are no random tokens.

    References:
        Devlin et al. (2019), BERT, section 3.1; drawn anew every epoch as in Liu et al. (2019),
        RoBERTa, section 4.1.
    """

    probability: float
    mask_token_id: int
    vocabulary_size: int
    special_token_ids: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast, probability: float) -> Self:
        """Take the ids from a tokenizer.

        Args:
            tokenizer: The model's tokenizer.
            probability: Share of the tokens that are hidden.

        Returns:
            The masking.

        Raises:
            UnsupportedTokenizerError: If there is no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise UnsupportedTokenizerError(
                "Could not mask tokens: the tokenizer has no mask token.",
                got="mask_token: null",
                expected="a tokenizer with a mask token, such as <mask>",
                fix="take a model that was pretrained by masked language modelling",
            )
        special = tuple(sorted(set(tokenizer.all_special_ids)))
        return cls(probability, int(tokenizer.mask_token_id), len(tokenizer), special)

    def ordinary_token_ids(self) -> IntArray:
        """List the ids that a random token may have.

        Returns:
            Increasing ids.
        """
        return np.setdiff1d(np.arange(self.vocabulary_size), self.special_token_ids)


class MaskedRow(NamedTuple):
    """One sequence with hidden tokens.

    Attributes:
        input_ids: What the model sees.
        labels: The hidden tokens; -100 elsewhere.
        token_type_ids: As of the sequence.
    """

    input_ids: IntArray
    labels: IntArray
    token_type_ids: Sequence[int] | None


class MaskedRows(Dataset[MaskedRow]):
    """Sequences whose hidden tokens differ between epochs.

    What is hidden depends on seed, epoch and the sequence's index only: not on the order of the
    batches, the number of processes, or where a training was resumed.

    Args:
        rows: Labels are the token itself where it may be hidden, -100 where not.
        masking: What is hidden.
        batches: Those that the sequences are taken by; they know the epoch, also after a resume.
        seed: Of the training.

    Randomness:
        A generator of its own for each sequence, from ``(seed, epoch, index)``.
    """

    def __init__(
        self,
        rows: Sequence[TrainingExample] | StoredExamples,
        masking: Masking,
        batches: LengthGroupedBatches,
        seed: int,
    ) -> None:
        self._rows = rows
        self._masking = masking
        self._ordinary = masking.ordinary_token_ids()
        self._batches = batches
        self._seed = seed

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> MaskedRow:
        row = self._rows[index]
        generator = np.random.default_rng((self._seed, self._batches.epoch, index))
        input_ids, labels = self._masked(row, generator)
        return MaskedRow(input_ids, labels, getattr(row, "token_type_ids", None))

    def _masked(
        self, row: TrainingExample, generator: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        input_ids, own = np.array(row.input_ids), np.asarray(row.labels)
        places = np.flatnonzero(own != IGNORED_LABEL)
        draws = generator.random((2, len(places)))
        hidden = draws[0] < self._masking.probability
        hidden |= draws[0] == draws[0].min(initial=1.0)
        fates, places = draws[1][hidden], places[hidden]
        labels = np.full_like(own, IGNORED_LABEL)
        labels[places] = own[places]
        is_random = (fates >= MASK_SHARE) & (fates < MASK_SHARE + RANDOM_SHARE)
        input_ids[places[fates < MASK_SHARE]] = self._masking.mask_token_id
        input_ids[places[is_random]] = generator.choice(self._ordinary, is_random.sum())
        return input_ids, labels
