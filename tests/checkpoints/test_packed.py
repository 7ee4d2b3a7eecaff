import json
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModel

from tests.checkpoints.sparse import contents, sparse_checkpoint, tensors_only
from tests.tiny import tiny_inputs, tiny_tokenizer
from tinyglot.checkpoints import load_checkpoint, packed, packed_file, tensor_file
from tinyglot.checkpoints.expand import expand_checkpoint
from tinyglot.checkpoints.packed import pack_checkpoint, plan_file

PACKED = "model.packed.safetensors"
FLOATS = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float8_e4m3fn: torch.int8,
}


def round_trip(source, directory):
    pack_checkpoint(source, directory / "packed")
    expand_checkpoint(directory / "packed", directory / "expanded")
    return contents(directory / "expanded") == contents(source)


def stored(path):
    with safe_open(path, "numpy") as file:
        return {name: (tuple(file.get_slice(name).get_shape())) for name in file.keys()}  # noqa: SIM118


# --- the same bits -------------------------------------------------------------------------------


@st.composite
def float_tensors(draw):
    dtype = draw(st.sampled_from(list(FLOATS)))
    shape = draw(st.lists(st.integers(0, 5), max_size=3))
    size = torch.Size(shape).numel()
    limits = torch.iinfo(FLOATS[dtype])
    bits = st.one_of(st.just(0), st.just(limits.min), st.integers(limits.min, limits.max))
    values = draw(st.lists(bits, min_size=size, max_size=size))
    return torch.tensor(values, dtype=FLOATS[dtype]).view(dtype).reshape(shape)


@settings(max_examples=60)
@given(
    tensors=st.dictionaries(st.sampled_from("abc"), float_tensors()),
    entry_bytes=st.sampled_from([128, 0, -1000]),  # the last packs whatever can be packed
    words_at_once=st.sampled_from([8, 2**21]),
)
def test_expanding_gives_every_bit_of_any_floats(tensors, entry_bytes, words_at_once):
    with tempfile.TemporaryDirectory() as work, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_ENTRY_BYTES", entry_bytes)
        patch.setattr(tensor_file, "WORDS_AT_ONCE", words_at_once)
        patch.setattr(packed_file, "WORDS_AT_ONCE", words_at_once)
        source = tensors_only(Path(work) / "dense", tensors, metadata={"format": "pt", "ä": "\n"})
        assert round_trip(source, Path(work))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_checkpoint_of_any_precision(tmp_path, dtype):
    source = sparse_checkpoint(tmp_path / "dense", dtype=dtype)
    assert round_trip(source, tmp_path)
    assert {value.dtype for value in load_file(source / "model.safetensors").values()} == {dtype}


def test_a_sharded_checkpoint_stays_sharded(tmp_path):
    source = sparse_checkpoint(tmp_path / "dense", max_shard_size="100KB")
    assert round_trip(source, tmp_path)
    names = set(contents(tmp_path / "packed"))
    assert "model.safetensors.index.json" in names
    assert len([name for name in names if name.endswith(".packed.safetensors")]) > 1
    assert [name for name in names if name.endswith(".safetensors") and "packed" not in name] == []


def test_negative_zero_and_the_bits_of_nan_are_values(tmp_path):
    bits = torch.zeros(4096, dtype=torch.int32)
    bits[:4] = torch.tensor([-(2**31), 0x7FC00001, -0x00400000 + 5, 1])
    source = tensors_only(tmp_path / "dense", {"weight": bits.view(torch.float32)})
    assert round_trip(source, tmp_path)
    assert stored(tmp_path / "packed" / PACKED)["weight:values"] == (4,)


def test_a_plain_model_in_a_fresh_process_computes_the_same(dense, packed_once, tmp_path):
    expand_checkpoint(packed_once, tmp_path / "expanded")
    inputs = tiny_inputs(tiny_tokenizer("wordpiece"))
    torch.save(inputs, tmp_path / "inputs.pt")
    script = (
        "import sys, torch; from transformers import AutoModel\n"
        "model = AutoModel.from_pretrained(sys.argv[1]).eval()\n"
        "with torch.no_grad(): found = model(**torch.load(sys.argv[2])).last_hidden_state\n"
        "torch.save(found, sys.argv[3]); print('tinyglot' in sys.modules)"
    )
    paths = [tmp_path / name for name in ("expanded", "inputs.pt", "found.pt")]
    done = subprocess.run(
        [sys.executable, "-c", script, *paths], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    with torch.no_grad():
        expected = AutoModel.from_pretrained(dense).eval()(**inputs).last_hidden_state
    assert torch.equal(torch.load(tmp_path / "found.pt"), expected)


# --- how it is stored ----------------------------------------------------------------------------


def test_at_90_percent_it_is_at_least_5_times_smaller(tmp_path):
    source = sparse_checkpoint(tmp_path / "dense", sparsity=0.9, vocab_size=20_000)
    size = pack_checkpoint(source, tmp_path / "packed")
    before = (source / "model.safetensors").stat().st_size
    after = (tmp_path / "packed" / PACKED).stat().st_size
    assert (size.size_bytes, size.packed_size_bytes) == (before, after)
    assert before > 5 * after
    assert before > 4 * 20_000 * 32


def test_a_tensor_that_would_not_get_smaller_stays_as_it_is(tmp_path):
    few = torch.ones(2000)
    few[:10] = 0.0
    many = torch.ones(2000)
    many[:200] = 0.0
    source = tensors_only(tmp_path / "dense", {"few": few, "many": many, "one": torch.zeros(1)})
    pack_checkpoint(source, tmp_path / "packed")
    assert stored(tmp_path / "packed" / PACKED) == {
        "few": (2000,),
        "many:values": (1800,),
        "many:mask": (250,),
        "one": (1,),
        "zeros:values": (0,),
        "zeros:mask": (512,),
    }


def test_equal_tensors_are_stored_once(tmp_path):
    table = torch.arange(3000.0).reshape(30, 100) % 4
    tensors = {"a": table, "b": table.clone(), "other": table.reshape(100, 30).clone()}
    source = tensors_only(tmp_path / "dense", tensors)
    assert round_trip(source, tmp_path)
    names = set(stored(tmp_path / "packed" / PACKED))
    assert {name for name in names if name[0] in "abo"} == {
        "a:mask", "a:values", "other:mask", "other:values",
    }  # fmt: skip
    with safe_open(tmp_path / "packed" / PACKED, "numpy") as file:
        assert json.loads(file.metadata()["same_as"]) == {"b": "a"}


def test_a_name_that_a_mask_would_take_is_left_alone(tmp_path):
    tensors = {"a": torch.zeros(900), "a:mask": torch.ones(3), "a:values": torch.ones(2)}
    source = tensors_only(tmp_path / "dense", tensors)
    assert round_trip(source, tmp_path)
    assert stored(tmp_path / "packed" / PACKED)["a"] == (900,)


def test_tied_weights_are_stored_and_come_back_once(tmp_path):
    source = sparse_checkpoint(tmp_path / "dense", head="masked_lm")
    assert round_trip(source, tmp_path)
    loaded = load_checkpoint(str(tmp_path / "expanded")).model
    assert loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight


def test_values_lie_where_any_reader_can_map_them(packed_once):
    file = tensor_file.read_layout(packed_once / PACKED)
    places = [(file.data_start + one.start) % max(1, one.item_size) for one in file.tensors]
    assert (len(places) > 10, set(places)) == (True, {0})


def test_memory_is_that_of_a_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(tensor_file, "WORDS_AT_ONCE", 2**12)
    monkeypatch.setattr(packed_file, "WORDS_AT_ONCE", 2**12)
    weight = torch.zeros(4 * 2**20)
    weight[::5] = 1.0
    source = tensors_only(tmp_path / "dense", {"weight": weight})
    del weight
    tracemalloc.start()
    try:
        pack_checkpoint(source, tmp_path / "packed")
        expand_checkpoint(tmp_path / "packed", tmp_path / "expanded")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert contents(source) == contents(tmp_path / "expanded")
    assert peak < 2**20 < 2**24 < (source / "model.safetensors").stat().st_size


# --- the report ----------------------------------------------------------------------------------


def test_sizes_are_told_by_kind(tmp_path):
    embedding, matrix, bias = torch.ones(7, 500), torch.ones(50, 50), torch.ones(400)
    embedding[:, :250] = 0.0
    matrix[:, :40] = 0.0
    matrix[0, 0] = -0.0
    ids = torch.zeros(1, 300, dtype=torch.int64)
    tensors = {"word": embedding, "dense": matrix, "bias": bias, "ids": ids}
    size = pack_checkpoint(tensors_only(tmp_path / "dense", tensors), tmp_path / "packed")
    kinds = {kind.kind: kind for kind in size.kinds}
    assert list(kinds) == ["embeddings", "matrices", "vectors", "whole numbers"]
    assert kinds["embeddings"].density == 0.5
    assert kinds["embeddings"].packed_size_bytes == 4 * 1750 + -(-3500 // 8)
    assert (kinds["matrices"].num_tensors, kinds["matrices"].num_weights) == (2, 2500 + 4096)
    assert kinds["matrices"].num_kept == 501
    assert (kinds["vectors"].density, kinds["vectors"].packed_size_bytes) == (1.0, 1600)
    assert kinds["whole numbers"].packed_size_bytes == 38
    assert size.num_negative_zeros == 1
    assert "1 weights are -0.0 and were kept" in size.summary()
    assert f"({size.compression_ratio:.1f}x smaller)" in size.summary()
    assert size.as_dict()["kinds"][0]["density"] == 0.5


def test_planning_writes_nothing(dense):
    before = contents(dense)
    assert len(plan_file(dense / "model.safetensors").tensors) > 10
    assert contents(dense) == before


def test_sizes_of_tensors_below_one_byte_are_not_guessed():
    stored = tensor_file.Stored("a", "F4", (3, 2), 0, 3)
    assert (stored.item_size, stored.word_type, stored.is_float) == (0, None, True)
    assert np.dtype(tensor_file.Stored("a", "BF16", (3,), 2, 8).word_type).itemsize == 2
