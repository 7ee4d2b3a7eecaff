"""`tinyglot slice`, and the page that describes it."""

import json
import re
from importlib.metadata import version

import pytest

from tests.checkpoints.test_slicing import elastic_checkpoint
from tests.cli.console import problem, run
from tinyglot.checkpoints import load_checkpoint


@pytest.fixture(scope="module")
def elastic(tmp_path_factory):
    directory = tmp_path_factory.mktemp("elastic") / "final"
    elastic_checkpoint(directory, "xlm_roberta")
    return directory


def test_a_slice_says_its_sizes(elastic, tmp_path):
    sizes = ("--layers", "1", "--ffn", "20", "--vocabulary-language", "swh-Latn")
    ended = run("slice", elastic, *sizes, "--out", tmp_path / "six", "--json")
    assert ended.code == 0, ended.err
    made = json.loads(ended.out)
    model = load_checkpoint(str(tmp_path / "six")).model
    assert made["num_parameters"] == model.num_parameters()
    assert (made["ffn"], made["heads"], len(made["layers"])) == (20, 4, 1)
    assert made["size_bytes"] == (tmp_path / "six" / "model.safetensors").stat().st_size
    filed = json.loads((tmp_path / "six" / "slice.json").read_text())
    digest = filed["source"]["sha256_without_values"]
    assert re.fullmatch("[0-9a-f]{64}", digest)
    versions = {name: version(name) for name in ("tinyglot", "transformers", "torch")}
    source = {"name": elastic.name, "sha256_without_values": digest}
    assert filed == made | {"language": "swh-Latn", "source": source, "versions": versions}


def test_a_limit_is_enough(elastic, tmp_path):
    ended = run("slice", elastic, "--max-parameters", "25k", "--out", tmp_path / "small")
    assert ended.code == 0, ended.err
    assert "heads" in ended.err
    assert load_checkpoint(str(tmp_path / "small")).model.num_parameters() <= 25_000


def test_a_size_that_was_not_trained_is_a_problem(elastic, tmp_path):
    found = problem("slice", elastic, "--heads", "2", "--out", tmp_path / "two")
    assert found["fix"] == "the nearest trained: --heads 3"
    assert not (tmp_path / "two").exists()
