"""A sentence-transformers directory that goes in comes out as one."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.tiny import tiny_checkpoint, tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot import compress, load_checkpoint, save_checkpoint
from tinyglot.checkpoints.embedder import copy_embedder_files, is_embedder, module_directories
from tinyglot.errors import UnsafeCheckpointError

TEXT = TINY_TEXT[:6]
ENCODE = """
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer
assert "tinyglot" not in sys.modules
source, target, texts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
for place in (source, target):
    model = SentenceTransformer(place, device="cpu")
    kinds = [type(module).__name__ for module in model]
    assert kinds == ["Transformer", "Pooling", "Dense", "Normalize"], kinds
    assert model.max_seq_length == 48, model.max_seq_length
    assert model.prompts["query"] == "query: ", model.prompts
    np.save(place + "/embeddings.npy", model.encode(texts, prompt_name="query"))
"""


def make_embedder(directory, family="xlm_roberta", head="encoder"):
    """As SentenceTransformer.save writes it: mean pooling, a dense layer, normalised."""
    tiny_checkpoint(directory, family, "unigram", head)
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    paths = ["", "1_Pooling", "2_Dense", "3_Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(zip(paths, kinds, strict=True))
    ]
    write(directory / "modules.json", modules)
    write(directory / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    prompts = {"query": "query: ", "document": "passage: "}
    write(directory / "config_sentence_transformers.json", {"prompts": prompts})
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    write(directory / "1_Pooling" / "config.json", pooling)
    dense = {
        "in_features": 32,
        "out_features": 8,
        "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }
    write(directory / "2_Dense" / "config.json", dense)
    generator = torch.Generator().manual_seed(0)
    weights = {
        "linear.weight": torch.randn(8, 32, generator=generator),
        "linear.bias": torch.randn(8, generator=generator),
    }
    save_file(weights, directory / "2_Dense" / "model.safetensors")
    return directory


def write(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def test_a_compressed_embedder_gives_the_same_embeddings_in_a_fresh_process(tmp_path):
    source = make_embedder(tmp_path / "source")
    (tmp_path / "sw.txt").write_text("\n".join([*TEXT, *(f"query: {line}" for line in TEXT)]))
    run = compress(str(source), languages=["sw"], text=tmp_path / "sw.txt", out=tmp_path / "run")
    rows = [load_checkpoint(str(path)).model.config.vocab_size for path in (source, run.final)]
    assert rows[1] < rows[0] / 2
    command = [sys.executable, "-W", "ignore", "-c", ENCODE, str(source), str(run.final)]
    done = subprocess.run([*command, json.dumps(TEXT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = (np.load(path / "embeddings.npy") for path in (source, run.final))
    assert before.shape == (len(TEXT), 8)
    assert np.array_equal(before, after)


def test_files_of_modules_are_copied_byte_for_byte(tmp_path):
    source = make_embedder(tmp_path / "source")
    (source / "2_Dense" / "notes.txt").write_text("not needed")
    (tmp_path / "target").mkdir()
    copy_embedder_files(source, tmp_path / "target")
    copied = {
        str(path.relative_to(tmp_path / "target")): path.read_bytes()
        for path in (tmp_path / "target").rglob("*")
        if path.is_file()
    }
    assert set(copied) == {
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
    }
    assert all(content == (source / name).read_bytes() for name, content in copied.items())
    assert (tmp_path / "target" / "3_Normalize").is_dir()


def test_a_plain_checkpoint_stays_one(tmp_path):
    source = tiny_checkpoint(tmp_path / "source")
    (tmp_path / "target").mkdir()
    copy_embedder_files(source, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []
    assert not is_embedder(source)
    assert module_directories(source) == ()


def test_a_model_with_a_head_is_no_embedder(tmp_path):
    source = make_embedder(tmp_path / "source")
    model, tokenizer = tiny_pair("xlm_roberta", "unigram", "token_classification")
    save_checkpoint(model, tokenizer, tmp_path / "tagger", source=source)
    assert not is_embedder(tmp_path / "tagger")


def test_a_module_with_pickled_weights_only_is_refused_and_nothing_written(tmp_path):
    source = make_embedder(tmp_path / "source")
    (source / "2_Dense" / "model.safetensors").rename(source / "2_Dense" / "pytorch_model.bin")
    checkpoint = load_checkpoint(str(source))
    with pytest.raises(UnsafeCheckpointError, match=r"pytorch_model\.bin in .*2_Dense"):
        save_checkpoint(checkpoint.model, checkpoint.tokenizer, tmp_path / "out", source=source)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b"])
def test_a_module_outside_the_checkpoint_is_refused(tmp_path, path):
    source = make_embedder(tmp_path / "source")
    write(source / "modules.json", [{"path": ""}, {"path": path}])
    (tmp_path / "target").mkdir()
    with pytest.raises(UnsafeCheckpointError, match="leads out of the checkpoint"):
        copy_embedder_files(source, tmp_path / "target")
