"""`tinyglot export --format sparse` and `tinyglot expand`, and the page that describes them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkpoints.sparse import contents, sparse_checkpoint
from tests.cli.console import problem, run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "sparse.md"


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    source = sparse_checkpoint(tmp_path_factory.mktemp("sparse") / "dense", max_shard_size="400KB")
    (source / "modules.json").write_text('[{"path": "", "type": "Transformer"}]')
    return source


@pytest.fixture(scope="module")
def exported(dense):
    out = dense.with_name("packed")
    ended = run("export", dense, "--format", "sparse", "--out", out, "--json")
    assert ended.code == 0, ended.err
    return out, json.loads(ended.out)


def test_the_sizes_are_those_of_the_files(dense, exported):
    packed, sizes = exported
    before, after = (
        sum(path.stat().st_size for path in directory.glob("*.safetensors"))
        for directory in (dense, packed)
    )
    assert (sizes["size_bytes"], sizes["packed_size_bytes"]) == (before, after)
    assert sizes["compression_ratio"] == before / after > 5
    assert {kind["kind"] for kind in sizes["kinds"]} == {"embeddings", "matrices", "vectors"}


def test_expanding_gives_the_same_files(dense, exported, tmp_path):
    ended = run("expand", exported[0], "--out", tmp_path / "expanded", "--json")
    assert ended.code == 0, ended.err
    assert contents(tmp_path / "expanded") == contents(dense)
    assert json.loads(ended.out)["size_bytes"] == exported[1]["size_bytes"]


def test_both_say_what_they_did(dense, tmp_path):
    ended = run("export", dense, "--format", "sparse", "--out", tmp_path / "packed")
    assert re.search(r"packed: sparse, 0\.\d MiB to 0\.\d MiB \(\d\.\dx smaller\)", ended.err)
    assert re.search(r"embeddings: .*density 10\.0% \(n=128,000 weights\)", ended.err)
    ended = run("expand", tmp_path / "packed", "--out", tmp_path / "expanded")
    assert re.search(r"expanded: 0\.\d MiB from 0\.\d MiB, 39 tensors", ended.err)


def test_the_snippet_of_the_page_gives_the_same_files_without_tinyglot(dense, exported, tmp_path):
    snippet = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert len(snippet.splitlines()) <= 20
    assert "tinyglot" not in snippet
    done = subprocess.run(
        [sys.executable, "-c", snippet, exported[0], tmp_path / "expanded"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert contents(tmp_path / "expanded") == contents(dense)


@pytest.mark.parametrize(
    "command",
    [
        ("measure", "--batch", 1),
        ("evaluate", "--task", "ner", "--data", "nowhere", "--language", "sw"),
        ("export", "--out", "elsewhere", "--format", "sparse"),
    ],
    ids=lambda command: command[0],
)
def test_commands_say_that_a_checkpoint_is_packed(exported, command):
    name, *options = command
    found = problem(name, exported[0], *options)
    assert "packed" in found["problem"]
    assert found["fix"] == f"tinyglot expand {exported[0]} --out {exported[0]}-expanded"


def test_int8_does_not_go_with_it(dense, tmp_path):
    found = problem("export", dense, "--format", "sparse", "--int8", "--out", tmp_path / "out")
    assert found["got"] == "--format sparse --int8"
    assert not (tmp_path / "out").exists()


def test_an_earlier_one_is_replaced_and_nothing_else(dense, exported, tmp_path):
    for _ in range(2):
        assert run("export", dense, "--format", "sparse", "--out", tmp_path / "out").code == 0
    assert contents(tmp_path / "out") == contents(exported[0])
    found = problem("export", dense, "--format", "sparse", "--out", dense)
    assert "config.json" in found["got"]
