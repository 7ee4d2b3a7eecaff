import numpy as np
import pytest

from tests.tiny import tiny_model, tiny_tokenizer
from tests.training.runs import AtStep
from tests.training.sentences import Sentence, sentences
from tests.training.test_resume import InterruptedRunError, assert_same_bytes, interrupt
from tinyglot.errors import RunDirectoryError, UnsupportedTokenizerError
from tinyglot.training import LengthGroupedBatches, MaskedRows, Masking, TrainingConfig, train

MASKING = Masking(
    probability=0.15, mask_token_id=4, vocabulary_size=100, special_token_ids=(0, 1, 2, 3, 4)
)
ROWS = [Sentence(s.input_ids, [-100, *s.input_ids[1:]]) for s in sentences(40)]


def rows_of(epoch=0, masking=MASKING, rows=ROWS, seed=1):
    batches = LengthGroupedBatches([len(row.input_ids) for row in rows], batch_size=8)
    batches.set_epoch(epoch)
    return MaskedRows(rows, masking, batches, seed)


def run(directory, callbacks=(), masking=MASKING):
    config = TrainingConfig(
        num_epochs=3,
        batch_size=8,
        learning_rate=1e-2,
        save_steps=4,
        seed=1,
        active_vocabulary=False,
    )
    model = tiny_model("xlm_roberta", "masked_lm", vocab_size=100)
    return train(model, ROWS, config, directory, callbacks=callbacks, masking=masking)


def test_shares_are_those_of_bert():
    long = [Sentence([2, *[7] * 20_000], [-100, *[7] * 20_000])]
    row = rows_of(rows=long)[0]
    hidden = row.labels != -100
    seen = row.input_ids[hidden]
    assert not hidden[0]
    assert hidden.mean() == pytest.approx(0.15, abs=0.01)
    assert (seen == 4).mean() == pytest.approx(0.8, abs=0.03)
    # a random token is by chance the same one in one of 95 cases
    assert (seen == 7).mean() == pytest.approx(0.1, abs=0.03)
    assert set(row.labels[hidden]) == {7}
    assert set(seen).isdisjoint({0, 1, 2, 3})
    assert np.array_equal(row.input_ids[~hidden], np.array(long[0].input_ids)[~hidden])


def test_every_sequence_has_a_hidden_token():
    rare = Masking(1e-9, 4, 100, (4,))
    masked = rows_of(masking=rare)
    assert [int((masked[i].labels != -100).sum()) for i in range(len(masked))] == [1] * len(ROWS)


def test_a_sequence_of_special_tokens_has_none():
    row = rows_of(rows=[Sentence([0, 2], [-100, -100])])[0]
    assert row.input_ids.tolist() == [0, 2]
    assert row.labels.tolist() == [-100, -100]


def test_epochs_differ_and_repeat():
    first, again, second, other_seed = rows_of(0), rows_of(0), rows_of(1), rows_of(0, seed=2)
    for i in (5, 0, 39):  # in any order
        assert np.array_equal(first[i].input_ids, again[i].input_ids)
        assert np.array_equal(first[i].labels, again[i].labels)
    assert any(not np.array_equal(first[i].labels, second[i].labels) for i in range(40))
    assert any(not np.array_equal(first[i].labels, other_seed[i].labels) for i in range(40))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("uninterrupted"))


def test_the_loss_falls(uninterrupted):
    assert uninterrupted.record.last_epoch_loss < uninterrupted.record.first_epoch_loss


# 5 steps an epoch, a resume point every 4: resumed inside the first and the second epoch
@pytest.mark.parametrize("step", [6, 9])
def test_a_resumed_run_ends_with_the_same_bytes(tmp_path, uninterrupted, step):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(tmp_path, [AtStep(step, interrupt)])
    assert_same_bytes(run(tmp_path), uninterrupted)


def test_a_run_with_another_share_is_another_run(tmp_path):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(tmp_path, [AtStep(6, interrupt)])
    with pytest.raises(RunDirectoryError, match=r"mask_probability was 0.15[\s\S]*0.3"):
        run(tmp_path, masking=Masking(0.3, 4, 100, (4,)))


def test_ids_come_from_the_tokenizer():
    tokenizer = tiny_tokenizer("unigram")
    masking = Masking.of(tokenizer, 0.2)
    assert masking.mask_token_id == tokenizer.mask_token_id
    assert set(masking.special_token_ids) == set(tokenizer.all_special_ids)
    assert masking.ordinary_token_ids().size == len(tokenizer) - len(masking.special_token_ids)
    tokenizer.mask_token = None
    with pytest.raises(UnsupportedTokenizerError, match="mask_token: null"):
        Masking.of(tokenizer, 0.2)
