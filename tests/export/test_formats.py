import json

import pytest

from tests.tiny import tiny_checkpoint
from tinyglot import export as export_package
from tinyglot.errors import ModelNotFoundError, RunDirectoryError, UnknownMethodError
from tinyglot.export import export_checkpoint, export_format


def make_embedder(directory, head="encoder", path="1_Pooling"):
    tiny_checkpoint(directory, "distilbert", "wordpiece", head)
    modules = [{"path": "", "type": "Transformer"}, {"path": path, "type": "Pooling"}]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q: "}}')
    (directory / "1_Pooling").mkdir()
    (directory / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    return directory


def test_the_formats_are_found():
    found = {export_format(name) for name in ("onnx", "openvino", "sparse", "stock")}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tflite", r"no such format[\s\S]*tflite[\s\S]*expected: onnx, openvino, sparse, stock\n"),
        ("onxx", r"did you mean onnx\?[\s\S]*--format onnx"),
    ],
)
def test_unknown_format_lists_the_known(name, message):
    with pytest.raises(UnknownMethodError, match=message):
        export_format(name)


def test_unknown_format_is_told_before_a_model_is_loaded(tmp_path):
    with pytest.raises(UnknownMethodError, match="tflite"):
        export_checkpoint(tmp_path / "nowhere", tmp_path / "export", format="tflite")


def test_occupied_directory_is_told_before_a_model_is_loaded(tmp_path):
    (tmp_path / "letter.txt").write_text("precious")
    with pytest.raises(RunDirectoryError, match=r"letter\.txt"):
        export_checkpoint(tmp_path / "nowhere", tmp_path)


def test_no_checkpoint_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        export_checkpoint(tmp_path / "empty", tmp_path / "export")


def test_an_embedder_stays_one(tmp_path):
    source = make_embedder(tmp_path / "source")
    record = export_checkpoint(str(source), tmp_path / "export")
    assert (record.output, record.agreement) == ("last_hidden_state", None)
    for name in ("modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"):
        assert (tmp_path / "export" / name).read_bytes() == (source / name).read_bytes()


def test_a_model_with_a_head_is_no_embedder(tmp_path):
    source = make_embedder(tmp_path / "source", "sequence_classification")
    export_checkpoint(source, tmp_path / "export")
    assert not (tmp_path / "export" / "modules.json").exists()


def test_unknown_name_of_the_package():
    with pytest.raises(AttributeError, match="no attribute 'export_tflite'"):
        export_package.export_tflite  # noqa: B018  (the access is the test)


def test_every_public_name_exists():
    assert [name for name in export_package.__all__ if not hasattr(export_package, name)] == []
