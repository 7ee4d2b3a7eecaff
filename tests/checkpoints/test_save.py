import json
import stat
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.tiny import tiny_checkpoint, tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot import checkpoints, load_checkpoint, save_checkpoint
from tinyglot.checkpoints.save import probe_inputs, probe_outputs
from tinyglot.errors import CheckpointTensorsError, ParityError

ALONE = """
import json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tinyglot", "skeletoken"):
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
torch.set_num_threads(1)
folder, texts = sys.argv[1], json.loads(sys.argv[2])
encoded = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
assert not info["missing_keys"] and not info["unexpected_keys"], info
with torch.no_grad():
    states = model.eval()(**encoded).last_hidden_state
np.savez(folder + "/alone.npz", ids=encoded["input_ids"].numpy(), states=states.numpy())
"""


@pytest.fixture
def pair():
    return tiny_pair("xlm_roberta", "unigram")


def test_final_loads_with_transformers_alone_and_is_bit_equal(pair, tmp_path):
    model, tokenizer = pair
    save_checkpoint(model, tokenizer, tmp_path / "final")
    texts = TINY_TEXT[::7]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, str(tmp_path / "final"), json.dumps(texts)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = model(**encoded).last_hidden_state
    alone = np.load(tmp_path / "final" / "alone.npz")
    assert np.array_equal(alone["ids"], encoded["input_ids"].numpy())
    assert np.array_equal(alone["states"], states.numpy())


def test_files_can_be_read_by_others(pair, tmp_path):
    save_checkpoint(*pair, tmp_path / "final")
    reference = tmp_path / "reference"
    reference.touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "final").iterdir()}
    assert modes == {stat.S_IMODE(reference.stat().st_mode)}


def test_no_place_is_in_the_files(tmp_path):
    checkpoint = load_checkpoint(str(tiny_checkpoint(tmp_path / "from-here")))
    save_checkpoint(checkpoint.model, checkpoint.tokenizer, tmp_path / "final")
    files = list((tmp_path / "final").iterdir())
    assert len(files) >= 4
    assert [path.name for path in files if b"from-here" in path.read_bytes()] == []


def test_an_older_checkpoint_is_replaced_whole(pair, tmp_path):
    (tmp_path / "final").mkdir()
    (tmp_path / "final" / "old.txt").touch()
    save_checkpoint(*pair, tmp_path / "final")
    assert not (tmp_path / "final" / "old.txt").exists()
    assert (tmp_path / "final" / "config.json").exists()


def test_a_model_that_reloads_as_another_is_not_saved(pair, tmp_path):
    model, tokenizer = pair
    model.config.layer_norm_eps = 0.1  # what the reloaded model would use
    with pytest.raises(ParityError, match=r"max difference [\d.e-]+ over token ids \[\d"):
        save_checkpoint(model, tokenizer, tmp_path / "final")
    assert list(tmp_path.iterdir()) == []


def test_the_probe_has_one_padded_sequence_and_no_pad_inside(pair):
    inputs = probe_inputs(pair[0])
    pad = pair[0].config.pad_token_id
    assert inputs["attention_mask"].sum(dim=1).tolist() == [24, 17]
    assert (inputs["input_ids"] == pad).sum(dim=1).tolist() == [0, 7]
    assert probe_outputs(pair[0], inputs).shape == (24 + 17, 32)
    assert torch.equal(inputs["input_ids"], probe_inputs(pair[0])["input_ids"])


@pytest.mark.parametrize("training", [True, False])
def test_the_probe_leaves_the_mode_as_it_was(pair, training):
    model = pair[0].train(training)
    probe_outputs(model, probe_inputs(model))
    assert model.training is training


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: (path / "config.json").write_text("{"), r"configuration is damaged"),
        (lambda path: (path / "config.json").write_text("7"), r"configuration is damaged"),
        (
            lambda path: (path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}"),
            r"weight file is damaged[\s\S]*model\.safetensors, 10 bytes",
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path, spoil, message):
    spoil(tiny_checkpoint(tmp_path / "model"))
    with pytest.raises(CheckpointTensorsError, match=message):
        load_checkpoint(str(tmp_path / "model"))


def test_public_names():
    assert [name for name in checkpoints.__all__ if not hasattr(checkpoints, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'load_pickle'"):
        checkpoints.load_pickle  # noqa: B018  (the access is the test)
