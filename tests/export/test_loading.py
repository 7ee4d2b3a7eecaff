"""Checkpoints and exports behind one function."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import tiny_checkpoint
from tinyglot.errors import MeasurementError, MissingExtraError, ModelNotFoundError
from tinyglot.export import (
    is_export,
    load_predictor,
    measure_models,
    onnx_predictor,
    predictor,
)

BATCH = {
    "input_ids": np.array([[0, 7, 8, 2], [0, 9, 2, 1]]),
    "attention_mask": np.array([[1, 1, 1, 1], [1, 1, 1, 0]]),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The checkpoint that the fixture ``tagger`` is an export of."""
    directory = tmp_path_factory.mktemp("checkpoint")
    return tiny_checkpoint(directory, "xlm_roberta", "unigram", "token_classification")


def test_checkpoint_and_export_give_the_same_logits(checkpoint, tagger):
    expected = load_predictor(checkpoint, 1)(BATCH)
    actual = load_predictor(tagger.directory, 1)(BATCH)
    assert expected.shape == (2, 4, 5)
    assert expected.dtype == actual.dtype == np.float32
    assert_parity(actual[0], expected[0], atol=1e-5)
    assert_parity(actual[1, :3], expected[1, :3], atol=1e-5)


def test_checkpoint_gives_the_models_logits(checkpoint, tagger):
    with torch.no_grad():
        tensors = {key: torch.from_numpy(value) for key, value in BATCH.items()}
        expected = tagger.model(**tensors).logits
    assert_parity(load_predictor(str(checkpoint), 1)(BATCH), expected)


def test_encoder_checkpoint_gives_hidden_states(tmp_path):
    tiny_checkpoint(tmp_path, "xlm_roberta", "unigram", "encoder")
    assert load_predictor(tmp_path, 1)(BATCH).shape == (2, 4, 32)


def test_predictor_says_what_it_takes(checkpoint, tagger):
    for path, kind in ((checkpoint, "checkpoint"), (tagger.directory, "onnx")):
        model = load_predictor(path, 1)
        assert (model.format, model.threads, model.device) == (kind, 1, "cpu")
        assert (model.vocab_size, model.max_length) == (tagger.model.config.vocab_size, 128)
        assert model.directory == path
        assert is_export(path) == (kind == "onnx")


def test_threads_are_set_for_the_call_and_come_back(checkpoint, monkeypatch):
    seen = []
    model = load_predictor(checkpoint, 2)
    inner = torch.inference_mode

    def watching():
        seen.append(torch.get_num_threads())
        return inner()

    monkeypatch.setattr(torch, "inference_mode", watching)
    before = torch.get_num_threads()
    model(BATCH)
    assert (seen, torch.get_num_threads()) == ([2], before)


def test_default_threads_are_those_this_process_may_use(tagger, monkeypatch):
    monkeypatch.setattr(predictor.os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert load_predictor(tagger.directory).threads == 3


def test_an_export_runs_without_pytorch(tagger):
    script = (
        "import sys, json; from tinyglot.export import load_predictor\n"
        f"import numpy as np; model = load_predictor({str(tagger.directory)!r}, 1)\n"
        "ids = np.array([[0, 2]])\n"
        "output = model({'input_ids': ids, 'attention_mask': np.ones_like(ids)})\n"
        "heavy = {'torch', 'transformers', 'polars'} & set(sys.modules)\n"
        "print(json.dumps([output.shape, sorted(heavy)]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == [[1, 2, 5], []]


def test_no_export_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no model\.onnx[\s\S]*tinyglot export"):
        onnx_predictor(tmp_path)


def test_no_model_at_all_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        load_predictor(tmp_path)


def test_missing_runtime_is_told(tagger, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install \"tinyglot\[onnx\]"):
        onnx_predictor(tagger.directory)


# --- measuring them ----------------------------------------------------------------------------


def test_measured_side_by_side(checkpoint, tagger, int8_tagger):
    names = [str(checkpoint), str(tagger.directory), str(int8_tagger.directory)]
    rows = measure_models(names, [1, 2], [4], 1, rounds=2)
    assert [(row.model, row.batch) for row in rows] == [
        (name, batch) for batch in (1, 2) for name in names
    ]
    by_name = {row.model: row for row in rows}
    assert {row.num_parameters for row in rows} == {by_name[names[0]].num_parameters}
    assert by_name[names[2]].size_bytes < by_name[names[1]].size_bytes / 1.5
    # a process with PyTorch in it is far larger than one without
    peaks = [by_name[name].peak_memory_bytes for name in names]
    assert peaks[0] > 2 * peaks[1] > peaks[2] > 20 * 2**20


def test_memory_can_be_left_out(tagger):
    (row,) = measure_models([str(tagger.directory)], rounds=1, memory=False)
    assert (row.peak_memory_bytes, row.batch, row.length, row.threads) == (None, 1, 32, 1)


def test_a_length_beyond_the_model_is_refused(tagger):
    with pytest.raises(MeasurementError, match=r"length 129 for .*, which takes 128 tokens"):
        measure_models([str(tagger.directory)], lengths=[129], memory=False)


def test_the_longest_length_can_be_measured(checkpoint, tagger):
    names = [str(checkpoint), str(tagger.directory)]
    rows = measure_models(names, lengths=[128], rounds=1, memory=False)
    assert [row.length for row in rows] == [128, 128]
