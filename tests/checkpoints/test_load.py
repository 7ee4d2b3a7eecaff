import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import FAMILIES, HEADS, tiny_checkpoint
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.errors import (
    CheckpointTensorsError,
    ModelNotFoundError,
    UnsafeCheckpointError,
    UnsupportedArchitectureError,
)


@pytest.fixture
def directory(tmp_path):
    return tiny_checkpoint(tmp_path / "source", "xlm_roberta", "unigram", "masked_lm")


def edit_tensors(directory, edit):
    path = directory / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", HEADS)
def test_save_and_load_give_every_parameter_back(tmp_path, family, head):
    kind = "unigram" if family in ("xlm_roberta", "deberta_v2") else "wordpiece"
    source = load_checkpoint(str(tiny_checkpoint(tmp_path / "a", family, kind, head)))
    save_checkpoint(source.model, source.tokenizer, tmp_path / "b")
    again = load_checkpoint(str(tmp_path / "b"))
    assert type(again.model) is type(source.model)
    ours, theirs = again.model.state_dict(), source.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_missing_tensor_is_named(directory):
    edit_tensors(directory, lambda t: t.pop("roberta.encoder.layer.1.output.dense.weight"))
    with pytest.raises(
        CheckpointTensorsError, match=r"1 tensor\(s\)[\s\S]*missing: .*layer\.1\.output\.dense"
    ):
        load_checkpoint(str(directory))


def test_extra_tensors_are_named(directory):
    edit_tensors(directory, lambda t: t.update({"roberta.adapter.weight": torch.zeros(2)}))
    with pytest.raises(CheckpointTensorsError, match=r"extra: roberta\.adapter\.weight"):
        load_checkpoint(str(directory))


def test_a_tensor_of_another_shape_is_named(directory):
    name = "roberta.encoder.layer.0.output.dense.bias"
    edit_tensors(directory, lambda t: t.update({name: torch.zeros(7)}))
    with pytest.raises(
        CheckpointTensorsError, match=r"other shape: .*layer\.0\.output\.dense\.bias"
    ):
        load_checkpoint(str(directory))


def test_tensors_known_to_be_unused_are_left_out_and_said(directory):
    edit_tensors(
        directory, lambda t: t.update({"roberta.pooler.dense.weight": torch.zeros(32, 32)})
    )
    notes = load_checkpoint(str(directory)).notes
    assert notes == ("left out, unused: roberta.pooler.dense.weight",)


def test_a_pickle_is_refused(directory):
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(UnsafeCheckpointError, match=r"got: +pytorch_model\.bin"):
        load_checkpoint(str(directory))


def test_an_unsupported_family_lists_the_supported_and_the_file_to_write(directory):
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "model_type": "t5"}))
    with pytest.raises(
        UnsupportedArchitectureError,
        match=r"'t5'[\s\S]*xlm-roberta[\s\S]*architectures/<family>\.py",
    ):
        load_checkpoint(str(directory))


def test_a_run_directory_points_to_its_checkpoint(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "run" / "final")
    with pytest.raises(ModelNotFoundError, match=r"fix: +give .*run/final"):
        load_checkpoint(str(tmp_path / "run"))


def test_an_unreachable_hub_id_says_what_a_name_can_be():
    with pytest.raises(ModelNotFoundError, match=r"got: +nobody/nothing[\s\S]*bundled:"):
        load_checkpoint("nobody/nothing")


def test_a_file_is_no_checkpoint(directory):
    with pytest.raises(ModelNotFoundError, match=r"it is a file itself"):
        load_checkpoint(str(directory / "config.json"))


def test_an_empty_directory_is_no_checkpoint(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no config\.json[\s\S]*with no files"):
        load_checkpoint(str(tmp_path))


def test_code_of_its_own_is_refused(directory):
    (directory / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(UnsafeCheckpointError, match=r"wants to run code[\s\S]*auto_map in"):
        load_checkpoint(str(directory))
