import copy
import random

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from tests.parity import assert_parity
from tests.tiny import FAMILIES, tiny_model
from tests.training.sentences import Sentence, sentences
from tinyglot.errors import (
    DeviceNotFoundError,
    MissingInputError,
    TokenIdRangeError,
    TrainingDivergedError,
    UnsupportedArchitectureError,
)
from tinyglot.training import PaddingCollator, TrainingConfig, cross_entropy, train

EXAMPLES = sentences(24)
FAST = TrainingConfig(num_epochs=2, batch_size=8, learning_rate=1e-2)


def tagger(family="bert"):
    return tiny_model(family, "token_classification")


def random_state():
    legacy = np.random.get_state()[1]  # noqa: NPY002  (the one that a Trainer seeds)
    return random.getstate(), legacy.tolist(), torch.get_rng_state().tolist()


def test_the_loss_falls():
    model = tagger()
    before, after = [], []
    config = TrainingConfig(num_epochs=30, batch_size=8, learning_rate=1e-2, precision="fp32")
    result = train(model, EXAMPLES, config)
    batch = PaddingCollator(0)(EXAMPLES)
    labels = batch.pop("labels")
    with torch.no_grad():
        before = cross_entropy(model(**batch), labels).item()
        after = cross_entropy(result.model(**batch), labels).item()
    assert after < 0.1 * before
    assert result.record.last_epoch_loss < 0.3 * result.record.first_epoch_loss


def test_the_record_counts_steps_and_tokens():
    config = TrainingConfig(num_epochs=2, batch_size=8, precision="fp32")
    record = train(tagger(), EXAMPLES, config).record
    assert record.num_steps == 6
    assert record.num_tokens == 2 * sum(len(e.input_ids) for e in EXAMPLES)
    ids = {i for e in EXAMPLES for i in e.input_ids} | {0, 2, 3}
    assert record.num_embedding_rows == len(ids)


def test_the_first_loss_is_that_of_the_model_given():
    model = tagger()
    model.config.hidden_dropout_prob = 0.0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    batch = PaddingCollator(0)(EXAMPLES)
    with torch.no_grad():
        expected = cross_entropy(model(**batch), batch.pop("labels")).item()
    config = TrainingConfig(max_steps=1, batch_size=24, precision="fp32")
    record = train(model, EXAMPLES, config).record
    assert record.first_epoch_loss == pytest.approx(expected, abs=1e-5)
    assert record.num_steps == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("active", [True, False])
def test_the_model_given_stays_as_it_was(family, active):
    model = tagger(family)
    before, config = copy.deepcopy(model.state_dict()), model.config.to_dict()
    trained = train(model, EXAMPLES, FAST.model_copy(update={"active_vocabulary": active})).model
    assert model.config.to_dict() == config == trained.config.to_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
        if "layer" in name and name.endswith("weight"):
            assert not torch.equal(value, trained.state_dict()[name]), name


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_is_trained(family):
    """Several processes would wait for the gradient of one that is not used."""
    model = tagger(family)
    batch = PaddingCollator(model.config.pad_token_id)(EXAMPLES)
    cross_entropy(model(**batch), batch["labels"]).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_result_is_an_ordinary_model(precision):
    model = train(tagger(), EXAMPLES, FAST.model_copy(update={"precision": precision})).model
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert all(p.grad is None for p in model.parameters())
    assert not {"forward", "_original_forward"} & set(vars(model))


def test_bf16_weights_are_trained_in_fp32():
    trained = train(tagger().bfloat16(), EXAMPLES, FAST).model
    assert {p.dtype for p in trained.parameters()} == {torch.float32}


def test_same_seed_gives_the_same_weights():
    first, second = (train(tagger(), EXAMPLES, FAST).model for _ in range(2))
    assert_parity(first.classifier.weight, second.classifier.weight)


def test_another_seed_gives_other_weights():
    first = train(tagger(), EXAMPLES, FAST).model
    second = train(tagger(), EXAMPLES, FAST.model_copy(update={"seed": 1})).model
    assert not torch.equal(first.classifier.weight, second.classifier.weight)


def test_the_random_state_stays_as_it_was():
    before = random_state()
    train(tagger(), EXAMPLES, FAST)
    assert random_state() == before


def test_embeddings_do_not_decay():
    model = tagger()
    config = TrainingConfig(num_epochs=2, batch_size=8, weight_decay=0.9, active_vocabulary=False)
    trained = train(model, EXAMPLES, config).model
    unseen = [i for i in range(5, 400) if all(i not in e.input_ids for e in EXAMPLES)]
    before, after = (m.bert.embeddings.word_embeddings.weight[unseen] for m in (model, trained))
    assert_parity(after, before)


def test_nothing_is_printed(capfd, tmp_path):
    train(tagger(), EXAMPLES, FAST.model_copy(update={"save_steps": 2}), tmp_path)
    assert (tmp_path / "checkpoint-4").is_dir()
    assert capfd.readouterr() == ("", "")


def test_callbacks_see_the_small_model():
    sizes = []

    class Look(TrainerCallback):
        def on_train_begin(self, args, state, control, *, model, **kwargs):
            sizes.append(model.config.vocab_size)

    train(tagger(), EXAMPLES, FAST, callbacks=[Look()], extra_token_ids=[390])
    ids = {i for e in EXAMPLES for i in e.input_ids} | {0, 2, 3, 390}
    assert sizes == [len(ids)]


# --- bad input -----------------------------------------------------------------------------------


def test_no_examples():
    with pytest.raises(MissingInputError, match=r"no training examples[\s\S]*0 examples"):
        train(tagger(), [], FAST)


def test_no_padding_token():
    model = tagger()
    model.config.pad_token_id = None
    with pytest.raises(TokenIdRangeError, match=r"no padding token[\s\S]*pad_token_id: null"):
        train(model, EXAMPLES, FAST)


def test_id_of_another_tokenizer():
    with pytest.raises(TokenIdRangeError, match=r"token id 4000[\s\S]*\[0, 400\)"):
        train(tagger(), [Sentence([7, 4000], [0, 1])], FAST)


def test_model_with_an_lm_head_needs_all_rows():
    with pytest.raises(UnsupportedArchitectureError, match="active_vocabulary: false"):
        train(tiny_model("bert", "masked_lm"), EXAMPLES, FAST)


@pytest.mark.parametrize("device", ["cuda:7", "meta"])
def test_device_that_is_not_there(device):
    with pytest.raises(DeviceNotFoundError, match=rf"device {device}[\s\S]*cpu"):
        train(tagger(), EXAMPLES, FAST.model_copy(update={"device": device}))


def test_loss_that_is_no_number():
    model = tagger()
    with torch.no_grad():
        model.classifier.bias[0] = float("nan")
    with pytest.raises(TrainingDivergedError, match=r"loss nan in step 1[\s\S]*learning_rate"):
        train(model, EXAMPLES, FAST)
