import copy

import numpy as np
import pytest
import torch
from transformers import Trainer, TrainingArguments

from tests.parity import assert_parity
from tests.tiny import FAMILIES, SpecialIds, tiny_model
from tests.training.sentences import Sentence, sentences
from tinyglot.architectures import view
from tinyglot.errors import TokenIdRangeError, UnsupportedArchitectureError
from tinyglot.training import (
    ActiveVocabulary,
    PaddingCollator,
    TrainingConfig,
    cross_entropy,
    decayed_parameter_names,
    train,
)

EXAMPLES = sentences(24)
EVALUATION_IDS = [301, 302]


def tagger(family="bert"):
    return tiny_model(family, "token_classification")


def vocabulary_of(model, examples=EXAMPLES):
    return ActiveVocabulary.of(model, [e.input_ids for e in examples], EVALUATION_IDS)


def remapped(vocabulary, examples=EXAMPLES):
    return [Sentence(vocabulary.remap(e.input_ids).tolist(), e.labels) for e in examples]


def optimizer_of(model, *, fused):
    decayed = set(decayed_parameter_names(model))
    groups = [
        {
            "params": [p for n, p in model.named_parameters() if (n in decayed) == is_decayed],
            "weight_decay": 0.1 if is_decayed else 0.0,
        }
        for is_decayed in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=1e-2, fused=fused)


def trained_by_hand(model, examples, *, fused=True, clip=None, num_steps=6):
    """A plain loop, dropout on; the losses and the model."""
    torch.manual_seed(0)
    model = copy.deepcopy(model).train()
    optimizer = optimizer_of(model, fused=fused)
    collate = PaddingCollator(model.config.pad_token_id)
    losses = []
    for step in range(num_steps):
        batch = collate(examples[4 * step : 4 * step + 4])
        labels = batch.pop("labels")
        loss = cross_entropy(model(**batch), labels)
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses, model.eval()


def assert_same_weights(actual, expected, atol=0.0):
    values = dict(actual.named_parameters())
    for name, parameter in expected.named_parameters():
        assert_parity(values[name], parameter, atol=atol)


# --- what is active ------------------------------------------------------------------------------


def test_active_ids_are_those_seen_and_those_the_model_needs():
    model = tagger("bert")  # its configuration names 0 (pad), 2 (start) and 3 (end)
    vocabulary = ActiveVocabulary.of(model, [[9, 7], [7]], extra=[50])
    assert vocabulary.new_id_to_old_id.tolist() == [0, 2, 3, 7, 9, 50]


@pytest.mark.parametrize("family", ["roberta", "xlm_roberta"])
def test_ids_up_to_the_padding_id_keep_their_places(family):
    vocabulary = ActiveVocabulary.of(tagger(family), [[9]])
    assert vocabulary.new_id_to_old_id.tolist()[:2] == [0, 1]


def test_ids_below_a_high_padding_id_keep_their_places_too():
    special_ids = SpecialIds(pad=3, start=5, end=6, mask=7)  # 0 to 2 are nowhere named
    model = tiny_model("roberta", "token_classification", special_ids=special_ids)
    vocabulary = ActiveVocabulary.of(model, [[9]])
    assert vocabulary.new_id_to_old_id.tolist() == [0, 1, 2, 3, 5, 6, 9]


def test_remap_is_the_position_in_the_active_ids():
    vocabulary = ActiveVocabulary.of(tagger(), [[9, 7]])
    assert vocabulary.remap([7, 2, 9, 9]).tolist() == [3, 1, 4, 4]


def test_remap_refuses_an_id_that_was_not_collected():
    vocabulary = ActiveVocabulary.of(tagger(), [[9, 7]])
    with pytest.raises(TokenIdRangeError, match=r"token id 8[\s\S]*ActiveVocabulary.of"):
        vocabulary.remap([7, 8])


@pytest.mark.parametrize("token_id", [-1, 400])
def test_id_outside_the_vocabulary_is_refused(token_id):
    with pytest.raises(TokenIdRangeError, match=rf"token id {token_id}[\s\S]*\[0, 400\)"):
        ActiveVocabulary.of(tagger(), [[7, token_id]])


def test_model_that_predicts_token_ids_is_refused():
    with pytest.raises(UnsupportedArchitectureError, match=r"BertForMaskedLM[\s\S]*trim the voc"):
        ActiveVocabulary.of(tiny_model("bert", "masked_lm"), [[7]])


def test_shrinking_another_model_is_refused():
    vocabulary = ActiveVocabulary.of(tagger(), [[7]])
    other = tiny_model("bert", "token_classification", vocab_size=60)
    with pytest.raises(TokenIdRangeError, match=r"60 rows[\s\S]*400 rows"):
        vocabulary.shrink(other)


# --- exactness -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_small_model_computes_the_same(family):
    model = tagger(family)
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    collate, collate_small = (PaddingCollator(m.config.pad_token_id) for m in (model, small))
    full_batch, small_batch = collate(EXAMPLES), collate_small(remapped(vocabulary))
    with torch.no_grad():
        assert_parity(small(**small_batch).logits, model(**full_batch).logits)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fused", [True, False])
def test_training_is_bit_equal_to_training_all_rows(family, fused):
    model = tagger(family)
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    losses, full = trained_by_hand(model, EXAMPLES, fused=fused)
    small_losses, small = trained_by_hand(small, remapped(vocabulary), fused=fused)
    assert small_losses == losses
    assert_same_weights(vocabulary.restore(small, model), full)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fused", [True, False])
def test_clipped_training_is_equal_to_training_all_rows(family, fused):
    """Not bit-equal: the norm of a matrix with rows of zeros is added up in another order."""
    model = tagger(family)
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    losses, full = trained_by_hand(model, EXAMPLES, fused=fused, clip=0.5)
    small_losses, small = trained_by_hand(small, remapped(vocabulary), fused=fused, clip=0.5)
    assert small_losses == pytest.approx(losses, abs=1e-6)
    assert_same_weights(vocabulary.restore(small, model), full, atol=1e-6)


def test_the_clip_of_the_test_above_clips():
    model = tagger()
    _, clipped = trained_by_hand(model, EXAMPLES, clip=0.5)
    _, free = trained_by_hand(model, EXAMPLES)
    assert not torch.equal(clipped.classifier.weight, free.classifier.weight)


@pytest.mark.parametrize("family", ["bert", "xlm_roberta"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_train_gives_what_training_all_rows_gives(family, precision):
    model = tagger(family)
    results = [
        train(
            model,
            EXAMPLES,
            TrainingConfig(
                num_epochs=2,
                batch_size=4,
                learning_rate=1e-2,
                precision=precision,
                active_vocabulary=active,
            ),
        )
        for active in (True, False)
    ]
    assert results[0].record.last_epoch_loss == pytest.approx(
        results[1].record.last_epoch_loss, abs=1e-6
    )
    assert_same_weights(results[0].model, results[1].model, atol=1e-6)


def test_decaying_embeddings_would_not_be_exact():
    """Why ours do not decay: a Trainer's own parameter groups shrink rows that never occur."""
    model = tagger()
    assert "bert.embeddings.word_embeddings.weight" in plain_trainer(
        model
    ).get_decay_parameter_names(model)


# --- putting rows back ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_never_seen_come_back_bit_equal(family):
    model = tagger(family)
    vocabulary = vocabulary_of(model)
    _, small = trained_by_hand(vocabulary.shrink(model), remapped(vocabulary))
    restored = vocabulary.restore(small, model)
    unseen = np.setdiff1d(np.arange(400), vocabulary.new_id_to_old_id.numpy())
    before, after = (view(m).word_embeddings.weight[unseen] for m in (model, restored))
    assert len(unseen) > 200
    assert_parity(after, before)


def test_trained_rows_go_to_their_tokens():
    model = tagger()
    vocabulary = ActiveVocabulary.of(model, [[9, 7]])
    small = vocabulary.shrink(model)
    with torch.no_grad():
        view(small).word_embeddings.weight[4] = 0.5  # token 9, the last of 0, 2, 3, 7, 9
    restored = view(vocabulary.restore(small, model)).word_embeddings.weight
    changed = (restored != view(model).word_embeddings.weight).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [9]
    assert_parity(restored[9], torch.full((32,), 0.5))


@pytest.mark.parametrize("family", FAMILIES)
def test_shape_and_configuration_come_back(family):
    model = tagger(family)
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    restored = vocabulary.restore(small, model)
    assert view(small).num_token_ids == len(vocabulary)
    assert restored.config.to_dict() == model.config.to_dict()
    embedding = view(restored).word_embeddings
    assert embedding.num_embeddings == 400
    assert embedding.padding_idx == view(model).word_embeddings.padding_idx


def test_the_models_given_stay_as_they_were():
    model = tagger()
    before = copy.deepcopy(model.state_dict())
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    restored = vocabulary.restore(small, model)
    with torch.no_grad():
        for parameter in (*small.parameters(), *restored.parameters()):
            parameter.zero_()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_restoring_into_another_model_is_refused():
    model = tagger()
    vocabulary = vocabulary_of(model)
    with pytest.raises(TokenIdRangeError, match=r"400 rows[\s\S]*expected: +\d+ rows"):
        vocabulary.restore(model, model)


# --- in a Trainer of one's own -------------------------------------------------------------------


class Dataset(list):
    """Sentences for a plain Trainer."""


def plain_trainer(model, examples=(), directory="unused"):
    arguments = TrainingArguments(
        output_dir=str(directory),
        max_steps=4,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
        save_strategy="no",
        remove_unused_columns=False,
    )
    return Trainer(
        model,
        arguments,
        train_dataset=Dataset(examples),
        data_collator=PaddingCollator(model.config.pad_token_id),
        compute_loss_func=cross_entropy,
    )


def test_by_hand_in_a_plain_trainer(tmp_path):
    model = tagger("xlm_roberta")
    vocabulary = vocabulary_of(model)
    small = vocabulary.shrink(model)
    full = copy.deepcopy(model)
    plain_trainer(small, remapped(vocabulary), tmp_path).train()
    plain_trainer(full, EXAMPLES, tmp_path).train()
    assert_same_weights(vocabulary.restore(small, model), full, atol=1e-6)
