import math

import numpy as np
import pytest
import torch
import transformers

from tests.parity import assert_parity
from tests.tiny import FAMILIES, TINY_TEXT, tiny_inputs, tiny_pair, tiny_tokenizer
from tinyglot.architectures import selected_positions, view
from tinyglot.errors import DataFormatError, TaskOptionError, UnsupportedTokenizerError
from tinyglot.evaluation.predict import predict, torch_predictor
from tinyglot.surgery import gather_vocabulary
from tinyglot.tasks import IGNORED_LABEL, get_task
from tinyglot.tasks.mlm import Surprise, num_words
from tinyglot.training.head import with_head

MLM = get_task("mlm")
TOKENIZER = tiny_tokenizer("unigram")
LINES = ["Habari ya asubuhi", "Watoto wanacheza mpira uwanjani leo jioni", "你好"]


def counts_of(task, model, tokenizer, lines=LINES, max_length=64):
    encoded = task.encode(lines, tokenizer, (), max_length)
    run = torch_predictor(model)
    outputs = predict(run, encoded, tokenizer.pad_token_id, with_labels=True)
    return task.count(lines, task.decode(encoded, outputs, ()))


@pytest.mark.parametrize("every", [0, 1, 3, 100])
def test_every_token_is_hidden_exactly_once(every):
    encoded = get_task("mlm", {"mask_every": str(every)}).encode(LINES, TOKENIZER, (), 64)
    for number, whole in enumerate(MLM.training_sequences(LINES, TOKENIZER, (), 64)):
        parts = [part for part in encoded if part.example == number]
        assert len(parts) == min(every or 10**6, len(whole.input_ids) - 2)
        hidden = np.array([part.labels for part in parts])
        assert (hidden != IGNORED_LABEL).sum(axis=0).tolist() == [
            label != IGNORED_LABEL for label in whole.labels
        ]
        seen = np.array([part.input_ids for part in parts])
        assert np.array_equal(seen == TOKENIZER.mask_token_id, hidden != IGNORED_LABEL)
        assert np.array_equal(np.where(hidden == IGNORED_LABEL, seen, hidden)[0], whole.input_ids)


def test_long_lines_are_cut_into_equal_parts_without_loss():
    whole = MLM.training_sequences(LINES, TOKENIZER, (), 8)
    ids = [i for part in whole if part.example == 1 for i in part.input_ids[1:-1]]
    assert ids == TOKENIZER(LINES[1], add_special_tokens=False)["input_ids"]
    lengths = [len(part.input_ids) for part in whole if part.example == 1]
    assert max(lengths) <= 8
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_costs_are_those_of_a_naive_loop(family):
    model, tokenizer = tiny_pair(family, "unigram", "masked_lm")
    [row] = counts_of(MLM, model, tokenizer, LINES[:1])
    ids = tokenizer(LINES[0], return_tensors="pt")["input_ids"]
    nats = 0.0
    for place in range(1, ids.shape[1] - 1):
        masked = ids.clone()
        masked[0, place] = tokenizer.mask_token_id
        with torch.no_grad():
            logits = model(input_ids=masked, attention_mask=torch.ones_like(ids)).logits
        nats -= logits[0, place].log_softmax(-1)[ids[0, place]].item()
    assert row[0] == pytest.approx(nats, rel=1e-5)
    assert row[1:].tolist() == [ids.shape[1] - 2, 3]


def test_metrics_are_nats_a_token_and_perplexity_a_word():
    rows = MLM.count(["a b", "c"], [Surprise(6.0, 4), Surprise(3.0, 2)])
    loss, perplexity = (metric.scores(rows.sum(axis=0)) for metric in MLM.metrics)
    assert loss == 1.5
    assert perplexity == pytest.approx(math.exp(3), rel=1e-12)
    assert [metric.higher_is_better for metric in MLM.metrics] == [False, False]
    assert np.isfinite(MLM.metrics[1].scores(np.array([1e6, 1, 1])))


def test_a_line_without_tokens_costs_nothing():
    model, tokenizer = tiny_pair("bert", "wordpiece", "masked_lm")
    lines = ["\u200b", "Habari"]
    assert tokenizer("\u200b", add_special_tokens=False)["input_ids"] == []
    rows = counts_of(MLM, model, tokenizer, lines)
    assert rows[0].tolist() == [0.0, 0.0, 1.0]
    assert rows[1][1] > 0


@pytest.mark.parametrize(
    ("line", "words"), [("a  b c", 3), ("ภาษา", 4), ("日本 go", 3), ("한국어", 1)]
)
def test_words(line, words):
    assert num_words(line) == words


# --- heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_of_selected_positions_are_those_of_the_whole_output(family):
    model, tokenizer = tiny_pair(family, "unigram", "masked_lm")
    batch = tiny_inputs(tokenizer)
    selected = (torch.arange(batch["input_ids"].numel()) % 5 == 0).reshape(
        -1, batch["input_ids"].shape[1]
    )
    with torch.no_grad():
        whole = model(**batch).logits
        with selected_positions(model, selected):
            part = model(**batch).logits
        again = model(**batch).logits
    assert_parity(part[0], whole[selected], atol=1e-5)
    assert torch.equal(again, whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_is_tied_and_survives_saving_and_trimming(family, tmp_path):
    encoder, tokenizer = tiny_pair(family, "unigram")
    head_class = transformers.AutoModelForMaskedLM._model_mapping[type(encoder.config)]
    model = with_head(encoder, head_class, (), seed=0)
    assert view(model).is_tied
    model.save_pretrained(tmp_path)
    reloaded = head_class.from_pretrained(tmp_path).eval()
    batch = tiny_inputs(tokenizer)
    with torch.no_grad():
        logits = model(**batch).logits
        assert torch.equal(reloaded(**batch).logits, logits)
        kept = torch.unique(torch.cat([batch["input_ids"].flatten(), torch.arange(8)]))
        trimmed = gather_vocabulary(model, kept)
        ids = torch.searchsorted(kept, batch["input_ids"])
        found = trimmed(input_ids=ids, attention_mask=batch["attention_mask"]).logits
    assert logits.shape[-1] == len(tokenizer)
    assert view(reloaded).is_tied
    assert view(trimmed).is_tied
    assert_parity(found, logits[..., kept], atol=1e-5)


# --- refusals -----------------------------------------------------------------------------------


def test_refuses_a_tokenizer_without_mask_token():
    tokenizer = tiny_tokenizer("unigram")
    tokenizer.mask_token = None
    with pytest.raises(UnsupportedTokenizerError, match=r"mask_token: null"):
        MLM.encode(LINES, tokenizer, (), 64)


@pytest.mark.parametrize(("option", "value"), [("mask_probability", "1.5"), ("mask_every", "-2")])
def test_refuses_options_out_of_range(option, value):
    with pytest.raises(TaskOptionError, match=rf"{option}[\s\S]*got '{value}'"):
        get_task("mlm", {option: value})


def test_refuses_outputs_of_other_lines():
    with pytest.raises(DataFormatError, match=r"0 outputs[\s\S]*1, one a line"):
        MLM.count(["a"], [])


def test_reads_lines_and_has_no_labels(tmp_path):
    (tmp_path / "sw").mkdir()
    (tmp_path / "sw/test.txt").write_text("\n".join(TINY_TEXT[:3]))
    assert MLM.read(str(tmp_path), "sw", "test") == list(TINY_TEXT[:3])
    assert MLM.labels(["a"]) == ()


def test_so_many_lines_of_a_split_are_scored_evenly_spaced():
    lines = [str(number) for number in range(10)]
    assert get_task("mlm", {"max_lines": 4}).scored_examples(lines) == ["0", "2", "5", "7"]
    assert get_task("mlm", {"max_lines": 0}).scored_examples(lines) == lines
    assert len(get_task("mlm").scored_examples(lines * 100)) == 100
