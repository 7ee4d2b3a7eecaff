"""Uneven layers exported: the graphs compute what the model does, in all families."""

import shutil

import pytest
from transformers import XLMRobertaForTokenClassification

from tests.slim import outputs, slim_checkpoint, uneven
from tests.tiny import TINY_TEXT, tiny_pair
from tinyglot.architectures import view
from tinyglot.errors import ExportError, MissingExtraError, NoEffectError
from tinyglot.export import export_checkpoint, export_onnx, load_predictor, read_record
from tinyglot.export.graph import ready
from tinyglot.export.openvino import convert_graph, export_openvino
from tinyglot.export.openvino_predictor import openvino_predictor
from tinyglot.export.verify import compare, make_samples
from tinyglot.measure import size_of
from tinyglot.surgery import count_parameters, keep_structures

CASES = [
    ("bert", "wordpiece", "encoder"),
    ("xlm_roberta", "unigram", "token_classification"),
    ("distilbert", "wordpiece", "sequence_classification"),
    ("modernbert", "bpe_byte_fallback", "token_classification"),
    ("deberta_v2", "unigram", "token_classification"),
]
TEXTS = {"und-Zyyy": TINY_TEXT[::20]}
over_families = pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Give a function that exports a model with uneven layers once."""
    made = {}

    def export(case):
        if case not in made:
            model, tokenizer = tiny_pair(*case)
            cut = keep_structures(model, uneven(model))
            directory = tmp_path_factory.mktemp("slim-exports") / case[0]
            export_onnx(cut, tokenizer, directory, texts=TEXTS)
            made[case] = (cut, tokenizer, directory)
        return made[case]

    return export


@over_families
def test_onnx_computes_what_the_slim_model_does(exported, case):
    cut, _, directory = exported(case)
    record = read_record(directory)
    assert len(set(view(cut).num_heads)) > 1
    assert record.architecture == type(cut).__name__ == f"Slim{type(cut).__mro__[1].__name__}"
    assert 0 < record.max_difference <= 1e-5
    assert record.num_sentences > 6


@over_families
def test_openvino_computes_what_the_slim_model_does(exported, case, tmp_path):
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    cut, tokenizer, source = exported(case)
    directory = tmp_path / "openvino"
    shutil.copytree(source, directory)
    convert_graph(directory)
    assert sorted(path.suffix for path in directory.glob("model.*")) == [".bin", ".xml"]
    samples = make_samples(cut, tokenizer, TEXTS)
    with ready(cut) as model:
        run = openvino_predictor(directory, threads=1)
        difference = compare(model, run, samples, tokenizer.pad_token_id)
    assert 0 < difference.max_difference <= 1e-5
    assert size_of(directory).num_parameters == size_of(source).num_parameters


def test_an_openvino_export_is_loaded_like_any_other(exported, tmp_path, monkeypatch):
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    model, tokenizer, source = exported(CASES[2])

    def made_before(_, __, directory, **___):
        shutil.copytree(source, directory)
        return read_record(directory)

    monkeypatch.setattr("tinyglot.export.openvino.export_onnx", made_before)
    record = export_openvino(model, tokenizer, tmp_path / "export", texts=TEXTS)
    assert read_record(tmp_path / "export") == record
    assert (record.format, record.agreement) == ("openvino", 1.0)
    assert "openvino" in record.versions
    loaded = load_predictor(tmp_path / "export", threads=1)
    assert loaded.format == "openvino"
    names = {path.name for path in (tmp_path / "export").iterdir()}
    assert names == {
        "config.json", "export.json", "model.bin", "model.xml", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    assert record.size_bytes == size_of(tmp_path / "export").size_bytes


def test_without_openvino_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"OpenVINO[\s\S]*tinyglot\[openvino,onnx\]"):
        export_openvino(*tiny_pair("bert", "wordpiece"), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_openvino_keeps_every_bit(tmp_path):
    with pytest.raises(ExportError, match=r"got: +--format openvino --int8"):
        export_checkpoint(tmp_path / "nowhere", tmp_path / "export", format="openvino", int8=True)


def test_a_slim_checkpoint_becomes_an_ordinary_one(tmp_path):
    cut = slim_checkpoint(tmp_path / "slim", "xlm_roberta", "unigram", "token_classification")
    result = export_checkpoint(tmp_path / "slim", tmp_path / "stock", format="stock")
    stock = XLMRobertaForTokenClassification.from_pretrained(tmp_path / "stock")
    assert (outputs(stock) - outputs(cut)).abs().max() <= 1e-5
    assert list((tmp_path / "stock").glob("*.py")) == []
    assert result.num_parameters == count_parameters(stock).num_parameters
    assert result.num_parameters_before == count_parameters(cut).num_parameters
    assert result.summary().startswith("stock, 5,435 parameters more: max difference ")
    with pytest.raises(NoEffectError, match=r"got: +XLMRobertaForTokenClassification in"):
        export_checkpoint(tmp_path / "stock", tmp_path / "again", format="stock")
    assert not (tmp_path / "again").exists()
