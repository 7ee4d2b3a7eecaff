"""Uploading, through the real hub library, to a stand-in of the hub on this machine."""

import json
import shutil

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from tests.checkpoints.test_embedder import make_embedder
from tests.cli.console import problem, run
from tests.cli.hub_server import running_hub
from tests.recipes.jobs import recipe, write_inputs
from tests.slim import slim_checkpoint
from tests.tiny import tiny_checkpoint
from tinyglot.architectures.slim import MODELING_FILE
from tinyglot.recipes import parse_recipe, run_recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run directory with everything that must not be uploaded."""
    directory = tmp_path_factory.mktemp("push")
    trim = {"method": "vocabulary_trimming", "held_out_share": 0.0}
    content = recipe(write_inputs(directory / "inputs"), steps=[trim])
    return run_recipe(parse_recipe(content), directory / "run").directory


@pytest.fixture
def hub(monkeypatch):
    with running_hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", "hf_of_the_tests")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        close_session()
        yield server
    close_session()


def test_checkpoint_and_card_are_uploaded_and_nothing_else(hub, finished):
    ended = run("push", finished, "--repo", "me/small-swahili")
    assert ended.code == 0, ended.err
    (uploaded,) = hub.commits
    assert uploaded == {path.name: path.read_bytes() for path in (finished / "final").iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(uploaded)
    assert ended.err == f"uploaded to {hub.address}/me/small-swahili/commit/{1:040x}\n"


def test_the_repository_is_made_and_private_if_asked(hub, finished):
    run("push", finished, "--repo", "me/open")
    run("push", finished, "--repo", "me/closed", "--private")
    made = [(repo["organization"], repo["name"]) for repo in hub.created]
    assert made == [("me", "open"), ("me", "closed")]
    assert [repo.get("visibility") for repo in hub.created] == ["public", "private"]
    assert hub.tokens == {"Bearer hf_of_the_tests"}
    assert set(hub.messages) == {"Upload by tinyglot"}


def test_of_a_checkpoint_directory_only_the_checkpoint_is_uploaded(hub, tmp_path):
    source = make_embedder(tmp_path / "model")
    for name in (".lock", "steps/01-x/plan.json", "secret.pem", "1_Pooling/notes.pkl"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("not for others")
    assert run("push", source, "--repo", "me/embedder").code == 0
    (uploaded,) = hub.commits
    assert not any(b"not for others" in content for content in uploaded.values())
    assert {"modules.json", "1_Pooling/config.json", "2_Dense/model.safetensors"} <= set(uploaded)


def test_the_class_of_a_slim_model_is_uploaded_too(hub, tmp_path):
    slim_checkpoint(tmp_path / "model")
    assert run("push", tmp_path / "model", "--repo", "me/slim").code == 0
    (uploaded,) = hub.commits
    assert uploaded[MODELING_FILE] == (tmp_path / "model" / MODELING_FILE).read_bytes()


def test_a_run_that_is_not_finished_is_not_uploaded(hub, finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "final" / "README.md").unlink()
    for _ in range(2):
        found = problem("push", tmp_path / "run", "--repo", "me/half")
        assert "a run that is not finished" in found["got"]
        shutil.rmtree(tmp_path / "run" / "final", ignore_errors=True)
    assert hub.commits == []


def test_no_directory_is_told(hub, tmp_path):
    assert "no directory" in problem("push", tmp_path / "no", "--repo", "me/x")["got"]
    assert hub.created == []


@pytest.mark.parametrize("refused", ["create", "preupload", "batch", "commit"])
def test_a_refusal_of_the_hub_is_told(hub, tmp_path, refused):
    hub.refused.add(refused)
    found = problem("push", tiny_checkpoint(tmp_path / "model"), "--repo", "me/x")
    assert found["problem"] == "Could not upload the checkpoint."
    assert "403" in found["got"]
    assert hub.address in found["got"]
    assert "hf auth login" in found["fix"]
    assert hub.commits == []


def test_a_bad_repository_name_is_told(hub, tmp_path):
    found = problem("push", tiny_checkpoint(tmp_path / "model"), "--repo", "not a/good/name")
    assert "not a/good/name" in found["got"]
    assert hub.created == []


def test_a_hub_that_cannot_be_reached_is_told(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    found = problem("push", tiny_checkpoint(tmp_path / "model"), "--repo", "me/x")
    assert "me/x at http://127.0.0.1:9: " in found["got"]
    assert json.dumps(hub.created) == "[]"
