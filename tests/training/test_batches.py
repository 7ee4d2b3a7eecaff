import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyglot.training import LengthGroupedBatches

LENGTHS = [3, 9, 3, 8, 5, 5, 4, 30, 12, 11]

lengths_lists = st.lists(st.integers(1, 60), min_size=1, max_size=60)
measures = st.one_of(
    st.fixed_dictionaries({"batch_size": st.integers(1, 9)}),
    st.fixed_dictionaries({"batch_tokens": st.integers(8, 200)}),
)


def epoch_of(lengths, epoch=0, **options):
    batches = LengthGroupedBatches(lengths, **options)
    batches.set_epoch(epoch)
    return list(batches)


def padded(batch, lengths):
    return len(batch) * max(lengths[i] for i in batch)


@given(lengths=lengths_lists, measure=measures, seed=st.integers(0, 5), epoch=st.integers(0, 3))
def test_every_sentence_is_in_one_batch(lengths, measure, seed, epoch):
    seen = sorted(i for batch in epoch_of(lengths, epoch, seed=seed, **measure) for i in batch)
    assert seen == list(range(len(lengths)))


@given(lengths=lengths_lists, budget=st.integers(8, 200))
def test_padded_batches_keep_the_budget(lengths, budget):
    for batch in epoch_of(lengths, batch_tokens=budget):
        assert len(batch) == 1 or padded(batch, lengths) <= budget


@given(lengths=lengths_lists, size=st.integers(1, 9))
def test_batches_keep_the_size(lengths, size):
    batches = epoch_of(lengths, batch_size=size)
    assert max(map(len, batches)) <= size
    assert len(batches) == -(-len(lengths) // size)


@given(lengths=lengths_lists, measure=measures, count=st.integers(1, 4), epoch=st.integers(0, 3))
def test_processes_share_an_epoch(lengths, measure, count, epoch):
    parts = [epoch_of(lengths, epoch, processes=(rank, count), **measure) for rank in range(count)]
    assert len({len(part) for part in parts}) == 1
    seen = {i for part in parts for batch in part for i in batch}
    assert seen == set(range(len(lengths)))


@given(lengths=lengths_lists, measure=measures, count=st.integers(1, 3))
def test_every_epoch_has_as_many_batches_as_announced(lengths, measure, count):
    batches = LengthGroupedBatches(lengths, processes=(0, count), **measure)
    for epoch in range(3):
        batches.set_epoch(epoch)
        assert len(list(batches)) == len(batches)


def test_no_sentence_is_repeated_when_each_step_has_enough():
    parts = [epoch_of(LENGTHS, processes=(rank, 2), batch_size=3) for rank in range(2)]
    assert sorted(i for part in parts for batch in part for i in batch) == list(range(10))


def test_a_step_smaller_than_the_processes_repeats_a_sentence():
    parts = [epoch_of([7], processes=(rank, 2), batch_size=3) for rank in range(2)]
    assert parts == [[[0]], [[0]]]


def test_same_seed_and_epoch_give_the_same_batches():
    assert epoch_of(LENGTHS, 2, batch_size=2, seed=1) == epoch_of(LENGTHS, 2, batch_size=2, seed=1)


@pytest.mark.parametrize("other", [{"seed": 2, "epoch": 0}, {"seed": 1, "epoch": 1}])
def test_another_seed_or_epoch_gives_other_batches(other):
    lengths = LENGTHS * 10
    first = epoch_of(lengths, epoch=0, batch_size=2, seed=1)
    assert epoch_of(lengths, batch_size=2, **other) != first


def test_grouping_by_length_saves_padding():
    lengths = np.random.default_rng(0).integers(5, 100, 400).tolist()
    grouped = sum(padded(batch, lengths) for batch in epoch_of(lengths, batch_size=8))
    assert grouped < 1.05 * sum(lengths)


@pytest.mark.parametrize("num_steps", [0, 1, 5, 7, 15])
def test_tokens_of_the_first_steps(num_steps):
    batches = LengthGroupedBatches(LENGTHS, batch_size=2, seed=3)
    walked = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        walked += [sum(LENGTHS[i] for i in batch) for batch in batches]
    assert batches.num_tokens(num_steps) == sum(walked[:num_steps])
