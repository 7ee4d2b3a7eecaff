"""Smaller sizes in a Trainer of one's own, hidden states as the teacher, and rows by language."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import (
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from tests.methods.test_dynamic_sparsification import OPTIONS, batch, tagger
from tests.tiny import tiny_model
from tests.training.sentences import sentences
from tinyglot.architectures import view
from tinyglot.errors import (
    PruningScheduleError,
)
from tinyglot.methods.dynamic_sparsification import DynamicSparsificationCallback, ElasticOptions
from tinyglot.methods.dynamic_sparsification.controller import (
    ElasticController,
    _state_distance,
)
from tinyglot.methods.dynamic_sparsification.rows import _by_frequency
from tinyglot.methods.dynamic_sparsification.sizes import choose_sizes
from tinyglot.surgery import Subnetworks, cut_to
from tinyglot.tokenizers import ParsedTokenizer
from tinyglot.training import PaddingCollator


def own_trainer(directory, callback, rows=32, **options):
    model = tagger()
    fields = {"max_steps": 6, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    arguments = TrainingArguments(
        str(directory),
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        **{**fields, **options.pop("arguments", {})},
    )
    collator = PaddingCollator(model.config.pad_token_id)
    trainer = Trainer(model, arguments, collator, sentences(rows), callbacks=[callback], **options)
    trainer.remove_callback(PrinterCallback)
    return trainer


def test_in_a_trainer_of_one_s_own_smaller_sizes_learn(tmp_path):
    losses = {}
    for weight in (1.0, 0.0):
        callback = DynamicSparsificationCallback(**OPTIONS, soft_loss_weight=weight)
        arguments = {"max_steps": 12, "learning_rate": 1e-2, "bf16": True}
        trainer = own_trainer(
            tmp_path, callback, compute_loss_func=callback.loss, arguments=arguments
        )
        trainer.train()
        model = trainer.model.eval()
        assert not model._forward_pre_hooks
        assert callback.controller.hidden_order != tuple(range(32))
        inputs = batch(model, 32)
        labels = inputs.pop("labels")
        with torch.no_grad():
            small, whole = (
                Subnetworks(model)(callback.controller.elastic.shape(*sizes), inputs).logits
                for sizes in ((1, 2, 20), (2, 4, 48))
            )
        counted = labels != -100
        student, teacher = (each[counted].log_softmax(-1) for each in (small, whole))
        losses[weight] = float((teacher.exp() * (teacher - student)).sum(-1).mean())
    assert losses[1.0] < 0.8 * losses[0.0], losses


def test_a_trainer_that_does_not_use_the_loss_is_stopped(tmp_path):
    callback = DynamicSparsificationCallback(**OPTIONS)
    trainer = own_trainer(tmp_path, callback)
    with pytest.raises(
        PruningScheduleError, match=r"step 4[\s\S]*compute_loss_func=callback\.loss"
    ):
        trainer.train()
    assert not trainer.model._forward_pre_hooks


def test_accumulated_gradients_are_those_of_one_batch(tmp_path):
    states = []
    for size, steps in ((4, 2), (8, 1)):
        callback = DynamicSparsificationCallback(**{**OPTIONS, "start_step": 0})
        arguments = {"per_device_train_batch_size": size, "gradient_accumulation_steps": steps}
        arguments |= {"max_steps": 1, "optim": "sgd", "learning_rate": 1.0}
        trainer = own_trainer(
            tmp_path, callback, rows=8, compute_loss_func=callback.loss, arguments=arguments
        )
        for module in trainer.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        set_attention_dropout_(trainer.model)
        before = {n: p.detach().clone() for n, p in trainer.model.named_parameters()}
        trainer.train()
        assert callback.controller is not None
        states.append({n: p.detach() for n, p in trainer.model.named_parameters()})
        assert any(not torch.equal(before[n], p) for n, p in states[-1].items())
    for name, value in states[0].items():
        assert (value - states[1][name]).abs().max() <= 1e-4, name


def set_attention_dropout_(model):
    for module in model.modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0


@pytest.mark.parametrize("labels", ["tokens", "sequences"])
def test_hidden_states_are_compared_where_text_is_and_by_the_share_of_the_step(labels):
    states, largest = torch.randn(4, 5, 2), torch.randn(4, 5, 3)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])
    given = mask.mul(2).sub(1).where(mask.bool(), -100) if labels == "tokens" else torch.arange(4)
    items = int(given.ne(-100).sum())
    whole = _state_distance(states, largest, given, items, mask)
    padding = torch.where(mask.bool()[..., None], 0.0, 9.0)
    assert torch.equal(whole, _state_distance(states + padding, largest, given, items, mask))
    assert torch.equal(whole, _state_distance(states, largest, given, None, mask))
    parts = [
        _state_distance(states[part], largest[part], given[part], items, mask[part])
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert abs(float(sum(parts) - whole)) <= 1e-5
    first = (states[0] - largest[0, :, :2]).square().mean()
    assert (
        abs(float(_state_distance(states[:1], largest[:1], given[:1], None, None) - first)) <= 1e-5
    )


def test_an_encoder_without_a_head_learns_hidden_states():
    model = tiny_model("bert")
    options = ElasticOptions(heads=(2,), num_random_sizes=0)
    inside = ElasticController(
        model, choose_sizes(view(model), options), options, 0, lambda out, *_: out[0].sum() * 0
    )
    inputs = batch(model, 4)
    del inputs["labels"]
    loss = inside.loss(model(**inputs), None, None, inputs, step=0)
    smaller = cut_to(model, inside.elastic.shape(2, 2, 48))(**inputs)[0]
    difference = (smaller - model(**inputs)[0][..., :16]).square().mean(-1)
    mask = inputs["attention_mask"]
    expected = ((difference * mask).sum(1) / mask.sum(1)).mean()
    assert abs(float((loss - expected).detach())) <= 1e-6 * float(expected.detach())
    assert not mask.all()


def test_however_many_tokens_stay_what_they_are_made_from_stays():
    merges = [("a", "b"), ("c", "d"), ("ab", "cd"), ("e", "f"), ("ef", "gh"), ("g", "h")]
    tokens = ["<unk>", *("".join(pair) for pair in merges), *"abcdefgh"]  # characters last
    vocabulary = {token: place for place, token in enumerate(tokens)}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, unk_token="<unk>")
    parsed = ParsedTokenizer(tokenizer)
    counts = np.zeros(len(tokens), dtype=np.int64)
    counts[[vocabulary["abcd"], vocabulary["efgh"], vocabulary["cd"]]] = 9, 5, 3
    ids = (0, *_by_frequency(counts, frozenset({0}), parsed))
    assert len(ids) == len(tokens)
    for count in range(1, len(ids) + 1):
        assert parsed.close(ids[:count]) == frozenset(ids[:count]), ids
