import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from tests.tiny import FAMILIES, tiny_checkpoint, tiny_pair
from tinyglot.errors import ModelNotFoundError, UnsafeCheckpointError
from tinyglot.measure import ModelSize, size_of, size_of_checkpoint, weight_files
from tinyglot.surgery import count_parameters


def write_checkpoint(directory, tensors, vocab_size=10, file="model.safetensors"):
    directory.mkdir(exist_ok=True, parents=True)
    save_file(tensors, directory / file)
    (directory / "config.json").write_text(json.dumps({"vocab_size": vocab_size}))


def write_onnx(directory, arrays):
    directory.mkdir()
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    node = helper.make_node("Identity", ["x"], ["y"])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([node], "graph", [x], [y], initializer=initializers)
    onnx.save(helper.make_model(graph), directory / "model.onnx")
    (directory / "config.json").write_text(json.dumps({"vocab_size": 10}))


def test_checkpoint_by_hand(tmp_path):
    tensors = {
        "embeddings.weight": np.zeros((10, 4), np.float32),
        "decoder.bias": np.zeros(10, np.float16),
        "layer.weight": np.zeros((4, 4), np.float32),
        "position_ids": np.zeros((1, 512), np.int64),
    }
    write_checkpoint(tmp_path, tensors)
    size_bytes = (tmp_path / "model.safetensors").stat().st_size
    assert size_of(tmp_path) == ModelSize(size_bytes, 66, 50, 16)


def test_shards_are_added(tmp_path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)}, file="model-1.safetensors")
    write_checkpoint(tmp_path, {"b": np.zeros((3, 4), np.float32)}, file="model-2.safetensors")
    size = size_of(tmp_path)
    assert (size.num_parameters, size.num_embedding_parameters) == (52, 40)
    assert size.size_bytes == sum(path.stat().st_size for path in tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["encoder", "masked_lm", "token_classification"])
def test_checkpoint_counts_are_those_of_the_model(tmp_path, family, head):
    tiny_checkpoint(tmp_path, family, "wordpiece", head)
    model, _ = tiny_pair(family, "wordpiece", head)
    size = size_of_checkpoint(tmp_path)
    assert (size.num_parameters, size.num_embedding_parameters) == count_parameters(model)


def test_export_by_hand(tmp_path):
    arrays = {
        "table.int8": np.zeros((10, 4), np.int8),
        "table.int8.scale": np.zeros(10, np.float32),
        "weight": np.zeros((4, 4), np.float32),
        "zero_point": np.array(128, np.uint8),
        "limit": np.array(127, np.float32),
        "axes": np.zeros(3, np.int64),
    }
    write_onnx(tmp_path / "export", arrays)
    size_bytes = (tmp_path / "export" / "model.onnx").stat().st_size
    assert size_of(tmp_path / "export") == ModelSize(size_bytes, 56, 40, 16)


def test_external_data_belongs_to_an_export(tmp_path):
    write_onnx(tmp_path / "export", {"weight": np.zeros((4, 4), np.float32)})
    (tmp_path / "export" / "model.onnx.data").write_bytes(b"\0" * 1000)
    before = (tmp_path / "export" / "model.onnx").stat().st_size
    assert size_of(tmp_path / "export").size_bytes == before + 1000


def test_modules_of_an_embedder_belong_to_it(tmp_path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)})
    write_checkpoint(tmp_path / "2_Dense", {"linear.weight": np.zeros((2, 4), np.float32)})
    modules = [{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert size_of(tmp_path).num_other_parameters == 8
    assert len(weight_files(tmp_path)) == 2


def test_other_folders_do_not_belong_to_a_checkpoint(tmp_path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)})
    write_checkpoint(tmp_path / "backup", {"b": np.zeros((10, 4), np.float32)})
    assert size_of(tmp_path).num_parameters == 40


@pytest.mark.parametrize("path", ["../elsewhere", "/elsewhere", "a/../../b"])
def test_a_module_outside_the_checkpoint_is_refused(tmp_path, path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)})
    (tmp_path / "modules.json").write_text(json.dumps([{"path": path}]))
    with pytest.raises(UnsafeCheckpointError, match=rf"leads out[\s\S]*{path}"):
        size_of(tmp_path)


def test_a_directory_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no weight files[\s\S]*safetensors"):
        size_of(tmp_path)


def test_weights_without_a_config_are_refused(tmp_path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)})
    (tmp_path / "config.json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        size_of(tmp_path)


def test_json_row_says_bytes_and_parameters(tmp_path):
    write_checkpoint(tmp_path, {"a": np.zeros((10, 4), np.float32)})
    assert size_of(tmp_path).as_dict()["num_embedding_parameters"] == 40
