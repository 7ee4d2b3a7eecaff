"""Batches of sentences of nearly equal length, the same for a seed and an epoch."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from tinyglot.training.collator import IntArray, PaddingCollator, TrainingExample


class LengthGroupedBatches(Sampler[list[int]]):
    """Cut the sentences, sorted by length, into batches; give the batches in random order.

    Every sentence is in exactly one batch of an epoch. Sentences of equal length meet others in
    every epoch, and the order of the batches changes; their number does not. With several
    processes, each gets its part of every step's sentences, and all get the same number of
    batches; only where a step has fewer sentences than processes is one of them repeated.

    Args:
        lengths: Number of tokens of each sentence.
        batch_size: Sequences a step on each process, at most; give this or ``batch_tokens``.
        batch_tokens: Tokens a step on each process, padding included, at most. A sentence that is
            longer than this alone is a batch of its own.
        seed: With the epoch, decides the order.
        processes: This process's index, and how many there are.

    Randomness:
        A generator of its own for each epoch, from ``(seed, epoch)``.

    Example:
        >>> batches = LengthGroupedBatches([3, 9, 3, 8], batch_size=2)
        >>> sorted(sorted(batch) for batch in batches)
        [[0, 2], [1, 3]]
    """

    def __init__(
        self,
        lengths: Sequence[int] | IntArray,
        *,
        batch_size: int | None = None,
        batch_tokens: int | None = None,
        seed: int = 0,
        processes: tuple[int, int] = (0, 1),
    ) -> None:
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._seed = seed
        self._rank, self._num_processes = processes
        self._epoch = 0
        self._starts = (
            self._cut_by_size(batch_size)
            if batch_size is not None
            else self._cut_by_tokens(batch_tokens or 1)
        )

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[list[int]]:
        order, steps = self._order(self._epoch)
        for step in steps:
            start, end = self._starts[step], self._starts[step + 1]
            mine = order[start + self._rank : end : self._num_processes]
            yield (mine if len(mine) else order[start : start + 1]).tolist()

    @property
    def epoch(self) -> int:
        """The epoch that is given, counted from 0."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch the next iteration gives.

        Args:
            epoch: Counted from 0.
        """
        self._epoch = epoch

    def num_tokens(self, num_steps: int) -> int:
        """Count the tokens of the first steps over all processes, padding and repeats left out.

        Args:
            num_steps: Steps from the start of epoch 0 on.

        Returns:
            The number of tokens the model sees in them.
        """
        full_epochs, rest = divmod(num_steps, len(self))
        order, steps = self._order(full_epochs)
        ends = np.concatenate(([0], np.cumsum(self._lengths[order])))
        tokens_of_step = ends[self._starts[1:]] - ends[self._starts[:-1]]
        return int(full_epochs * self._lengths.sum() + tokens_of_step[steps[:rest]].sum())

    def _order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the sentences by length, equal ones shuffled, and a random order of the steps."""
        generator = np.random.default_rng((self._seed, epoch))
        shuffled = generator.permutation(len(self._lengths))
        order = shuffled[np.argsort(self._lengths[shuffled], kind="stable")]
        return order, generator.permutation(len(self))

    def _cut_by_size(self, batch_size: int) -> np.ndarray:
        num_sentences = len(self._lengths)
        num_steps = -(-num_sentences // (batch_size * self._num_processes))
        return np.arange(num_steps + 1) * num_sentences // num_steps

    def _cut_by_tokens(self, batch_tokens: int) -> np.ndarray:
        starts = [0]
        for index, longest in enumerate(np.sort(self._lengths).tolist()):
            sequences = -(-(index + 1 - starts[-1]) // self._num_processes)
            if sequences > 1 and sequences * longest > batch_tokens:
                starts.append(index)
        return np.array([*starts, len(self._lengths)])


class EpochDataLoader(DataLoader[TrainingExample]):
    """A data loader whose batches follow the epoch that a Trainer announces."""

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch on to the batches.

        Args:
            epoch: Counted from 0.
        """
        if isinstance(self.batch_sampler, LengthGroupedBatches):
            self.batch_sampler.set_epoch(epoch)


def training_loader(
    dataset: Dataset[TrainingExample], batches: LengthGroupedBatches, collator: PaddingCollator
) -> EpochDataLoader:
    """Load batches in this process, without touching the global random generators.

    Args:
        dataset: The sentences by index.
        batches: Which of them go together. They are already this process's own, so the loader
            must not be given to ``accelerator.prepare``.
        collator: Makes tensors of them.

    Returns:
        What a Trainer's ``get_train_dataloader`` may return.
    """
    return EpochDataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=collator,
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )
