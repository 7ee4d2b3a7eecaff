import json
import math

import pytest
import torch
from safetensors.torch import save_file

from tests.checkpoints.sparse import contents, sparse_checkpoint, tensors_only
from tinyglot.checkpoints import load_checkpoint, packed, tensor_file
from tinyglot.checkpoints.expand import expand_checkpoint
from tinyglot.checkpoints.packed import pack_checkpoint
from tinyglot.checkpoints.packed_format import is_packed
from tinyglot.checkpoints.tensor_file import make_header, parse_header
from tinyglot.errors import (
    CheckpointTensorsError,
    DiskFullError,
    ModelNotFoundError,
    NoEffectError,
    PackedCheckpointError,
    RunDirectoryError,
)

PACKED = "model.packed.safetensors"


@pytest.fixture
def broken(packed_once, tmp_path):
    """A packed checkpoint of the test's own, to break."""
    directory = tmp_path / "broken"
    directory.mkdir()
    for name, content in contents(packed_once).items():
        (directory / name).write_bytes(content)
    return directory


def test_nothing_to_gain_is_refused(tmp_path):
    source = sparse_checkpoint(tmp_path / "dense", sparsity=0.0)
    with pytest.raises(NoEffectError, match=r"not get smaller[\s\S]*100\.0% of the weights"):
        pack_checkpoint(source, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def test_negative_zeros_are_named_where_they_are_the_reason(tmp_path):
    source = tmp_path / "dense"
    tensors_only(source, {"weight": -torch.zeros(2000)})
    save_file({"weight": -torch.zeros(2000)}, source / "model.safetensors")
    with pytest.raises(NoEffectError, match=r"2000 of them are -0\.0[\s\S]*masked_fill_"):
        pack_checkpoint(source, tmp_path / "packed")


def test_a_packed_checkpoint_is_not_loaded(packed_once):
    with pytest.raises(
        PackedCheckpointError, match=rf"is packed[\s\S]*{PACKED}[\s\S]*tinyglot expand \S*packed --"
    ):
        load_checkpoint(str(packed_once))
    assert is_packed(packed_once)


def test_a_dense_checkpoint_is_not_expanded(dense, tmp_path):
    with pytest.raises(PackedCheckpointError, match=r"not packed[\s\S]*dense without \*\.packed"):
        expand_checkpoint(dense, tmp_path / "out")
    assert not is_packed(dense)


def test_no_directory_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no such directory[\s\S]*nowhere"):
        expand_checkpoint(tmp_path / "nowhere", tmp_path / "out")


def test_an_occupied_directory_is_left_alone(packed_once, tmp_path):
    (tmp_path / "letter.txt").write_text("precious")
    with pytest.raises(RunDirectoryError, match=r"Could not expand[\s\S]*letter\.txt"):
        expand_checkpoint(packed_once, tmp_path)
    assert contents(tmp_path) == {"letter.txt": b"precious"}


def test_a_truncated_file_is_told(broken, tmp_path):
    content = (broken / PACKED).read_bytes()
    (broken / PACKED).write_bytes(content[:-10])
    with pytest.raises(CheckpointTensorsError, match=rf"damaged[\s\S]*{len(content) - 10} bytes"):
        expand_checkpoint(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def rewrite(path, change):
    """Write a packed file anew after ``change`` had its metadata and tensors."""
    layout = tensor_file.read_layout(path)
    data = path.read_bytes()[layout.data_start :]
    tensors = {one.name: (one, data[one.start : one.stop]) for one in layout.tensors}
    metadata = dict(layout.metadata)
    change(metadata, tensors)
    entries = [(one.name, one.dtype, one.shape, len(part)) for one, part in tensors.values()]
    header = parse_header(make_header(entries, metadata))
    path.write_bytes(header.opening + b"".join(part for _, part in tensors.values()))


def flip_mask(metadata, tensors):
    name = min(name for name in tensors if name.endswith(":mask"))
    one, part = tensors[name]
    tensors[name] = (one, bytes([part[0] ^ 1, *part[1:]]))


def change_value(metadata, tensors):
    name = min(name for name in tensors if name.endswith(":values"))
    one, part = tensors[name]
    tensors[name] = (one, bytes([part[0] ^ 1, *part[1:]]))


def lose_values(metadata, tensors):
    del tensors[min(name for name in tensors if name.endswith(":values"))]


def shorten_mask(metadata, tensors):
    name = min(name for name in tensors if name.endswith(":mask"))
    one, part = tensors[name]
    tensors[name] = (one._replace(shape=(len(part) - 1,)), part[:-1])


def lose_header(metadata, tensors):
    del metadata["dense_header"]


def with_text(key, text):
    return lambda metadata, tensors: metadata.update({key: text})


def with_entry(**fields):
    """Change what the header of the dense file says about a tensor that is stored with a mask."""

    def change(metadata, tensors):
        header = json.loads(metadata["dense_header"])
        header[masked(tensors)].update(fields)
        metadata["dense_header"] = json.dumps(header)

    return change


def with_item_size(num_bytes):
    def change(metadata, tensors):
        header = json.loads(metadata["dense_header"])
        shape = header[masked(tensors)]["shape"]
        offsets = [0, num_bytes * math.prod(shape)]
        with_entry(data_offsets=offsets)(metadata, tensors)

    return change


def masked(tensors):
    return min(name for name in tensors if name.endswith(":mask")).removesuffix(":mask")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            flip_mask,
            r"\d+ values of \S+, of type F32, \d+ bytes\n[\s\S]*as many as its mask has ones",
        ),
        (lose_values, r"got: .* 0 values of \S+, of type none[\s\S]*as many as its mask has ones"),
        (shorten_mask, r"got: .* (\d+) bytes of \S+:mask\n  expected: \d+ bytes"),
        (change_value, r"sha256 [0-9a-f]{64} once expanded\n  expected: [0-9a-f]{64}"),
        (lose_header, r"dense_header: Field required"),
        (with_text("dense_header", "null"), r"dense_header: Input should be a valid dict"),
        (with_text("dense_header", "42"), r"dense_header: Input should be a valid dict"),
        (with_text("dense_header", "[]"), r"dense_header: Input should be a valid dict"),
        (with_text("dense_header", "{"), r"dense_header: Invalid JSON"),
        (with_text("dense_header", '{"__metadata__":[1]}'), r"__metadata__: Input should be a"),
        (with_text("dense_header", r'{"\ud800":{}}'), r"dense_header: Invalid JSON"),
        (with_entry(dtype=None), r"dtype: Input should be a valid string"),
        (with_entry(data_offsets=["0", "4"]), r"data_offsets\.0: Input should be a valid integer"),
        (with_entry(data_offsets=[0, 1, 2]), r"data_offsets: Tuple should have at most 2"),
        (with_entry(data_offsets=[4, 0]), r"data_offsets \(4, 0\) end before they begin"),
        (with_entry(shape=["8"]), r"shape\.0: Input should be a valid integer"),
        (with_entry(shape=[8.0]), r"shape\.0: Input should be a valid integer"),
        (with_entry(shape=[-8]), r"shape\.0: Input should be greater than or equal to 0"),
        (with_item_size(0), r"0 bytes for the \d+ values of \S+\n  expected: 1, 2, 4 or 8 bytes"),
        (with_item_size(3), r"\d+ bytes for the \d+ values of \S+\n  expected: 1, 2, 4 or 8"),
        (with_item_size(2), r"of type F32, \d+ bytes\n  expected: \d+, as many [\s\S]* bytes"),
        (with_text("same_as", "[]"), r"same_as: Input should be a valid dict"),
        (with_text("same_as", '{"w":5}'), r"same_as\.w: Input should be a valid string"),
        (with_text("same_as", '{"w":[5]}'), r"same_as\.w: Input should be a valid string"),
    ],
)
def test_a_file_that_does_not_fit_itself_is_told(broken, tmp_path, change, message):
    rewrite(broken / PACKED, change)
    with pytest.raises(CheckpointTensorsError, match=message):
        expand_checkpoint(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["version", "format"])
def test_another_version_is_told(broken, tmp_path, key):
    rewrite(broken / PACKED, lambda metadata, _: metadata.update({key: "99"}))
    with pytest.raises(PackedCheckpointError, match=rf"{key} 99[\s\S]*tinyglot-packed, version 1"):
        expand_checkpoint(broken, tmp_path / "out")


def test_a_damaged_dense_file_is_told(dense, tmp_path):
    (tmp_path / "dense").mkdir()
    (tmp_path / "dense" / "model.safetensors").write_bytes(
        (dense / "model.safetensors").read_bytes()[:5000]
    )
    with pytest.raises(CheckpointTensorsError, match=r"damaged[\s\S]*5000 bytes"):
        pack_checkpoint(tmp_path / "dense", tmp_path / "packed")


def test_a_full_disk_leaves_what_was_there(dense, packed_once, tmp_path, monkeypatch):
    pack_checkpoint(dense, tmp_path / "packed")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed, "bitmask", full)
    with pytest.raises(DiskFullError, match=r"Could not write packed[\s\S]*MiB free"):
        pack_checkpoint(dense, tmp_path / "packed")
    assert contents(tmp_path / "packed") == contents(packed_once)
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]
