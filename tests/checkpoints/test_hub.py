"""Hub ids, read from a cache laid out as the hub library lays it out; no network."""

import shutil

import pytest
import torch
from huggingface_hub import constants

from tests.tiny import tiny_checkpoint
from tinyglot.checkpoints import load_checkpoint
from tinyglot.errors import ModelNotFoundError, UnsafeCheckpointError

FIRST, SECOND = "1" * 40, "2" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Two commits of ``org/name``: XLM-R, which ``main`` points to, and before it BERT."""
    repository = tmp_path / "hub" / "models--org--name"
    tiny_checkpoint(repository / "snapshots" / FIRST, "bert", "wordpiece")
    tiny_checkpoint(repository / "snapshots" / SECOND, "xlm_roberta", "unigram")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(SECOND)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return repository


def test_a_hub_id_is_read_from_the_cache(cache):
    checkpoint = load_checkpoint("org/name")
    assert checkpoint.source == cache / "snapshots" / SECOND
    assert type(checkpoint.model).__name__ == "XLMRobertaModel"


def test_a_revision_is_a_commit(cache):
    checkpoint = load_checkpoint("org/name", revision=FIRST)
    assert checkpoint.source == cache / "snapshots" / FIRST
    assert type(checkpoint.model).__name__ == "BertModel"


def test_a_commit_that_is_not_there_is_told(cache):
    assert cache.exists()
    with pytest.raises(ModelNotFoundError, match=r"got: +org/name at 3{40}"):
        load_checkpoint("org/name", revision="3" * 40)


def test_a_repository_with_pickles_only_is_refused(cache):
    snapshot = cache / "snapshots" / SECOND
    torch.save({}, snapshot / "pytorch_model.bin")
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(UnsafeCheckpointError, match=r"got: +pytorch_model\.bin"):
        load_checkpoint("org/name")


def test_a_directory_goes_before_a_hub_id(cache, tmp_path, monkeypatch):
    shutil.copytree(cache / "snapshots" / FIRST, tmp_path / "org" / "name")
    monkeypatch.chdir(tmp_path)
    assert type(load_checkpoint("org/name").model).__name__ == "BertModel"


@pytest.mark.parametrize("name", ["no such/name at all", "runs/sw/final/checkpoint", "nobody"])
def test_what_is_neither_directory_nor_hub_id_is_told(cache, name):
    assert cache.exists()
    with pytest.raises(ModelNotFoundError, match=rf"got: +{name}[\s\S]*bundled:"):
        load_checkpoint(name)
