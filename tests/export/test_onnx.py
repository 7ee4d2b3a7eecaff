"""What an export directory holds, and that a bad one never appears."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, BertConfig, BertForMaskedLM

from tests.export import alone
from tests.parity import assert_parity
from tests.tiny import TINY_TEXT, tiny_pair
from tinyglot.errors import (
    ExportError,
    MissingExtraError,
    ParityError,
    RunDirectoryError,
    TokenizerChangedError,
)
from tinyglot.export import export_onnx, graph, onnx, read_record
from tinyglot.export.verify import sample_texts
from tinyglot.languages import resolve_language

TEXTS = TINY_TEXT[::12]


def small_export(directory, *, int8=False, texts=None):
    """Export a 1-layer encoder: seconds less than the others."""
    _, tokenizer = tiny_pair("distilbert", "wordpiece")
    return export_onnx(small_model(), tokenizer, directory, int8=int8, texts=texts)


def small_model():
    model, _ = tiny_pair("distilbert", "wordpiece")
    model.transformer.layer = model.transformer.layer[:1]
    model.config.n_layers = 1
    return model


# --- what stands in it -------------------------------------------------------------------------


def test_directory_has_exactly_these_files(tagger):
    assert sorted(path.name for path in tagger.directory.iterdir()) == [
        "config.json",
        "export.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_onnxruntime_and_tokenizers_alone_give_the_models_logits(tagger):
    done = subprocess.run(
        [sys.executable, alone.__file__, str(tagger.directory), *TEXTS],
        capture_output=True,
        text=True,
        check=True,
        cwd=tagger.directory,
    )
    result = json.loads(done.stdout)
    assert result["foreign"] == []
    assert len(result["outputs"]) == len(TEXTS) > 3
    for text, output in zip(TEXTS, result["outputs"], strict=True):
        inputs = tagger.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            expected = tagger.model(**inputs).logits
        assert_parity(torch.tensor(output), expected, atol=1e-5)


def test_config_names_class_and_labels(tagger):
    config = AutoConfig.from_pretrained(tagger.directory)
    assert config.architectures == ["XLMRobertaForTokenClassification"]
    assert config.id2label == tagger.model.config.id2label


def test_record_in_the_directory_is_the_one_returned(int8_tagger):
    assert read_record(int8_tagger.directory) == int8_tagger.record


def test_record_states_format_size_and_versions(int8_tagger):
    record = int8_tagger.record
    assert (record.format, record.int8, record.opset, record.output) == ("onnx", True, 20, "logits")
    assert record.size_bytes == (int8_tagger.directory / "model.onnx").stat().st_size
    assert record.architecture == "XLMRobertaForTokenClassification"
    assert set(record.versions) >= {"onnxruntime", "transformers", "torch", "tinyglot"}


def test_summary_is_one_line_with_numbers(int8_tagger):
    summary = int8_tagger.record.summary()
    assert summary.startswith("onnx int8, 0.1 MiB: max difference 0.")
    assert f"n={int8_tagger.record.num_sentences} sequences" in summary


def test_file_has_no_path_of_the_exporting_machine(tagger):
    content = (tagger.directory / "model.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


def test_sample_texts_are_tagged_and_of_many_scripts():
    tags = list(sample_texts())
    assert [resolve_language(tag) for tag in tags] == tags
    assert len({tag.split("-")[1] for tag in tags}) >= 10


# --- int8 bytes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large_pair(tmp_path_factory):
    """Exports of a model whose weights, as in real ones, are nearly all of its file."""
    _, tokenizer = tiny_pair("bert", "wordpiece")
    config = BertConfig(
        vocab_size=6000,
        hidden_size=128,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(config).eval()
    texts = {"eng-Latn": ["A short line."]}
    root = tmp_path_factory.mktemp("large")
    return model, {
        int8: (export_onnx(model, tokenizer, root / str(int8), int8=int8, texts=texts))
        for int8 in (False, True)
    }


def test_int8_file_is_about_a_quarter(large_pair):
    _, records = large_pair
    assert 3.6 < records[False].size_bytes / records[True].size_bytes < 4.1


def test_tied_embeddings_are_stored_once(large_pair):
    model, records = large_pair
    values = sum(parameter.numel() for parameter in model.parameters())
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert records[False].size_bytes < 4 * values * 1.05
    assert records[True].size_bytes < values * 1.1


# --- again, elsewhere, untouched ---------------------------------------------------------------


def test_two_exports_have_the_same_bytes(tmp_path):
    small_export(tmp_path / "one", int8=True)
    small_export(tmp_path / "two", int8=True)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "model.onnx" in names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_model_is_not_changed(tmp_path):
    model = small_model().train()
    model.embeddings.dropout.eval()
    _, tokenizer = tiny_pair("distilbert", "wordpiece")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    export_onnx(model, tokenizer, tmp_path / "export", int8=True)
    assert model.training
    assert not model.embeddings.dropout.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_half_precision_is_exported_in_float_and_stays_half(tmp_path):
    model = small_model().bfloat16()
    _, tokenizer = tiny_pair("distilbert", "wordpiece")
    record = export_onnx(model, tokenizer, tmp_path / "export")
    assert record.max_difference <= 1e-4
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_standard_output_stays_the_callers(tmp_path, capfd):
    small_export(tmp_path / "export")
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("traced_before")
def test_weights_beyond_one_file_go_to_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "_LARGEST_SINGLE_FILE", 1000)
    record = small_export(tmp_path / "export", int8=True)
    files = [tmp_path / "export" / name for name in ("model.onnx", "model.onnx.data")]
    assert record.size_bytes == sum(path.stat().st_size for path in files)
    assert files[1].stat().st_size > files[0].stat().st_size / 4
    alone_output = alone.run_with_onnxruntime_alone(tmp_path / "export", TEXTS[:1])
    assert np.shape(alone_output[0])[-1] == 32


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.usefixtures("traced_before")
def test_a_graph_too_far_from_the_model_is_refused_and_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "FLOAT_TOLERANCE", 1e-12)
    message = r"ONNX graph computes something else[\s\S]*at most 1e-12 on \d+ sequences"
    with pytest.raises(ParityError, match=message):
        small_export(tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("traced_before")
def test_an_earlier_export_outlives_a_failed_one(tmp_path, monkeypatch):
    first = small_export(tmp_path / "export")
    monkeypatch.setattr(onnx, "FLOAT_TOLERANCE", 1e-12)
    with pytest.raises(ParityError, match="computes something else"):
        small_export(tmp_path / "export", int8=True)
    assert read_record(tmp_path / "export") == first
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


@pytest.mark.usefixtures("traced_before")
def test_an_earlier_export_is_replaced(tmp_path):
    small_export(tmp_path / "export")
    second = small_export(tmp_path / "export", int8=True)
    assert read_record(tmp_path / "export") == second


def test_a_directory_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunDirectoryError, match=r"holds something else[\s\S]*thesis\.tex"):
        small_export(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "export").write_text("precious")
    with pytest.raises(RunDirectoryError, match=r"export with a file"):
        small_export(tmp_path / "export")


def test_the_second_exporter_helps_where_the_first_fails(tmp_path, monkeypatch):
    break_first_exporter(monkeypatch)
    record = small_export(tmp_path / "export", int8=True)
    assert record.exporter == "torch"
    assert record.max_difference_float <= 1e-4
    assert (tmp_path / "export" / "model.onnx").read_bytes().count(b"site-packages") == 0


def test_failure_of_both_exporters_tells_both_causes(tmp_path, monkeypatch):
    break_first_exporter(monkeypatch)

    def fail(*_, **__):
        raise ValueError("no second way")

    monkeypatch.setattr(torch.onnx, "export", fail)
    message = r"transformers: RuntimeError: no first way[\s\S]*torch: ValueError: no second way"
    with pytest.raises(ExportError, match=message):
        small_export(tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_no_program_from_the_second_exporter_is_a_failure(tmp_path, monkeypatch):
    break_first_exporter(monkeypatch)
    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: None)
    with pytest.raises(ExportError, match=r"torch: ExportError: [\s\S]*trace"):
        small_export(tmp_path / "export")


def break_first_exporter(monkeypatch):
    from transformers.exporters.exporter_onnx import OnnxExporter

    def fail(*_, **__):
        raise RuntimeError("no first way")

    monkeypatch.setattr(OnnxExporter, "export", fail)


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(graph.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"onnxscript[\s\S]*pip install \"tinyglot\[onnx\]"):
        small_export(tmp_path / "export")


def test_tokenizer_file_that_segments_otherwise_is_refused(tmp_path, monkeypatch):
    def save_lower_casing(tokenizer, directory: Path):
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        state["normalizer"]["lowercase"] = True
        (directory / "tokenizer.json").write_text(json.dumps(state))

    monkeypatch.setattr(onnx, "save_tokenizer", save_lower_casing)
    with pytest.raises(TokenizerChangedError, match=r"alone segments text differently[\s\S]*-"):
        small_export(tmp_path / "export")
    assert list(tmp_path.iterdir()) == []
